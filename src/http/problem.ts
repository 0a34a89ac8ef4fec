import { StoreError, type StoreErrorKind } from '../artifact/store.ts'
import { type ErrorCode, type FieldError, Problem } from '../errors.ts'

/** RFC 9457's object. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  detail: string
  errors: readonly FieldError[]
}

const answers: Record<ErrorCode, { status: number; title: string }> = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The request is not allowed' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request did not come to its end in time' },
  'not-final': { status: 409, title: 'The job has not ended yet' },
  'not-started': { status: 409, title: 'The job has not started yet' },
  conflict: { status: 409, title: 'The state of what is asked for does not allow that' },
  'deletion-under-way': { status: 409, title: 'The job is being deleted' },
  'result-missing': { status: 409, title: 'The job left no results' },
  'not-a-readable-file': { status: 409, title: 'The entry is no file that can be read' },
  expired: { status: 410, title: 'The results have expired' },
  'precondition-failed': { status: 412, title: 'A precondition of the request does not hold' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside of the file' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  internal: { status: 500, title: 'Something went wrong' },
  'result-damaged': { status: 500, title: 'The store no longer holds what was committed' },
  'job-failed': { status: 502, title: 'The job did not succeed' },
  refused: { status: 503, title: 'The cluster does not take the job now' },
  unavailable: { status: 503, title: 'A service behind the API does not answer' },
  busy: { status: 503, title: 'Too much is being sent at once' },
}

const secondsUntilRetry = 5

/** What a caller can only wait for; the store's other kinds of error are this program's own mistakes. */
const storeTroubles = new Map<StoreErrorKind, string>([
  ['unavailable', 'The object store does not answer'],
  ['denied', 'The object store refuses the credentials of the API'],
  ['full', 'The object store is full'],
  ['corrupt', 'The object store received other bytes than were sent'],
])

export function statusOf(code: ErrorCode): number {
  return answers[code].status
}

/** A Problem as its reader gets it. */
export function problemDocument(problem: Problem): ProblemDocument {
  const { status, title } = answers[problem.code]
  const { code, message: detail, errors } = problem
  return { type: `urn:jobferry:error:${code}`, title, status, detail, errors }
}

/** Seconds for Retry-After; every 503 has one. */
export function retryAfter(problem: Problem): number | undefined {
  return problem.retryAfterSeconds ?? (statusOf(problem.code) === 503 ? secondsUntilRetry : undefined)
}

/** What a caller is told of anything that was thrown; what isn't known is `internal` and says nothing more. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const storeTrouble = error instanceof StoreError && storeTroubles.get(error.kind)
  if (storeTrouble) return new Problem('unavailable', storeTrouble, { cause: error })
  // Express and its router mark what the caller did wrong, a path that can't be decoded for one.
  if (error instanceof Error && 'status' in error && error.status === 400) {
    return new Problem('invalid-request', 'The request can not be understood', { cause: error })
  }
  return new Problem('internal', 'The failure is in the log under the request id of this answer', {
    cause: error,
  })
}
