import type { FieldError } from '../../util/errors.ts'
import { placeOf } from './input-place.ts'
import type { InputRequest } from './input-schema.ts'

/**
 * Errors of inputs whose places below `/input` are the same, or lie within a file. `uploaded`: the
 * names of the inputs in the same form.
 */
export function* inputConflicts(
  inputs: readonly InputRequest[],
  uploaded: readonly string[] = [],
): Generator<FieldError> {
  const taken = uploaded.map((path) => ({ path, name: 'an uploaded input' }))
  for (const [index, input] of inputs.entries()) {
    const to = placeOf(input)
    const field = `inputs[${index}].to`
    const other = taken.find(({ path }) => overlap(path, to))
    if (other !== undefined) {
      const problem = `is the place of ${other.name}, or lies within it`
      yield { field, problem, expected: 'a path of its own' }
    }
    taken.push({ path: to, name: field })
  }
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}
