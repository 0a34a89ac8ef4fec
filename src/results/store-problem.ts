import { StoreError } from '../store/store.ts'
import { Problem } from '../util/errors.ts'

/** Problem `unavailable` for a StoreError; any other error unchanged. */
export function storeProblem(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  return new Problem('unavailable', 'The object store does not answer', {
    cause: error,
    retryAfterSeconds: 5,
  })
}
