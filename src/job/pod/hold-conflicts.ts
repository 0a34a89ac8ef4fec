import type { FieldError } from '../../util/errors.ts'
import type { JobRequest } from '../request/request.ts'
import { stepsOf } from '../steps/effective-steps.ts'

/** A shell runs a program that is to be held, and does not know an image's own entrypoint. */
export function* holdConflicts(request: JobRequest): Generator<FieldError> {
  if (request.hold_after_failure_seconds === undefined) return
  const programs = request.steps
    ? stepsOf(request).map((step, index) => ({ at: `steps[${index}].command`, ...step }))
    : [{ at: 'command', command: request.command, ignore_error: false }]
  for (const { at: field, command, ignore_error: ignored } of programs) {
    if (command?.length || ignored) continue
    const expected = 'the program as a list, with hold_after_failure_seconds'
    yield { field, problem: 'is missing', expected }
  }
}
