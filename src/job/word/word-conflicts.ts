import type { FieldError } from '../../util/errors.ts'
import type { JobRequest } from '../request/request.ts'
import { stepsOf } from '../steps/effective-steps.ts'
import { wordVariable } from './word-folder.ts'

/**
 * A request may have a variable of that name for its own use, as one of version 0.2 could. Its
 * worker then doesn't find the folder, and would miss every heartbeat; nobody would see that it is held.
 */
export function* wordConflicts(request: JobRequest): Generator<FieldError> {
  const fields = ['heartbeat_seconds', 'hold_after_failure_seconds'] as const
  const needing = fields.find((field) => request[field] !== undefined)
  if (needing === undefined) return
  const own = [
    { field: 'env', env: { ...request.job_env, ...request.env } },
    ...stepsOf(request).map(({ env }, index) => ({ field: `steps[${index}].env`, env })),
  ]
  for (const { field, env } of own) {
    if (!Object.hasOwn(env, wordVariable)) continue
    const expected = `another name: with ${needing} Jobferry sets it`
    yield { field: `${field}.${wordVariable}`, problem: 'is reserved', expected }
  }
}
