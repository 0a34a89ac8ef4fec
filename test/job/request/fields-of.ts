import { Problem } from '../../../src/util/errors.ts'

/** The fields that a check refuses; none if it refuses nothing. */
export function fieldsOf(check: () => unknown): string[] {
  try {
    check()
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid-request') return error.errors.map((e) => e.field)
    throw error
  }
  return []
}
