import type { FieldError } from '../../util/errors.ts'
import type { Choice } from './policy.ts'

export function allows(choice: Choice, matches: (pattern: string) => boolean): boolean {
  return choice === 'all' || choice.some(matches)
}

export function refused(field: string, expected: string): FieldError {
  return { field, problem: "is not allowed by the operator's policy", expected }
}

export function expectedOf(choice: Choice): string {
  if (choice === 'all' || choice.length === 0) return 'a request without it: none is allowed'
  return `one of ${choice.join(', ')}`
}
