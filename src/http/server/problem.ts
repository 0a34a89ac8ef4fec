import { StoreError, type StoreErrorKind } from '../../store/store.ts'
import { type ErrorCode, Problem } from '../../util/errors.ts'
import type { ProblemDocument } from '../answers/problem-answer.ts'

const answers: Record<ErrorCode, { status: number; title: string }> = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The request is not allowed' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request was not complete in time' },
  'not-final': { status: 409, title: 'The job has not ended yet' },
  'not-started': { status: 409, title: 'The job has not started yet' },
  conflict: { status: 409, title: 'The present state does not allow this request' },
  'environment-gone': { status: 409, title: 'Values of the environment are needed anew' },
  'inputs-gone': { status: 409, title: 'Inputs of the job are gone' },
  'inputs-changed': { status: 409, title: 'Inputs of the job are not what they were' },
  'restart-impossible': { status: 409, title: 'The job can not be restarted from there' },
  'deletion-under-way': { status: 409, title: 'The job is being deleted' },
  'result-missing': { status: 409, title: 'The job left no results' },
  'not-a-readable-file': { status: 409, title: 'The entry is not a readable file' },
  expired: { status: 410, title: 'The results have expired' },
  'precondition-failed': { status: 412, title: 'A precondition of the request does not hold' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside of the file' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key belongs to another request' },
  'too-many-uploads': { status: 409, title: 'This caller keeps as many uploads as it may' },
  'too-many-jobs': { status: 429, title: 'Too many jobs of this caller have not ended' },
  internal: { status: 500, title: 'An internal error occurred' },
  'result-damaged': { status: 500, title: 'The store no longer has the committed bytes' },
  'job-failed': { status: 502, title: 'The job did not succeed' },
  refused: { status: 503, title: 'The cluster does not take the job now' },
  unavailable: { status: 503, title: 'A service or disk that the API needs is not available' },
  busy: { status: 503, title: 'Too many results or bodies are under way at once' },
}

const secondsUntilRetry = 5

/** Kinds of store errors with an outside cause; the other kinds are bugs of this program. */
const storeTroubles = new Map<StoreErrorKind, string>([
  ['unavailable', 'The object store does not answer'],
  ['denied', 'The object store refuses the credentials of the API'],
  ['full', 'The object store is full'],
  ['corrupt', 'The object store received other bytes than were sent'],
])

export function statusOf(code: ErrorCode): number {
  return answers[code].status
}

/** The problem document that a caller gets. */
export function problemDocument(problem: Problem): ProblemDocument {
  const { status, title } = answers[problem.code]
  const { code, message: detail, errors } = problem
  return { type: `urn:jobferry:error:${code}`, title, status, detail, errors }
}

/** Seconds for the Retry-After header, which every 503 has. */
export function retryAfter(problem: Problem): number | undefined {
  return problem.retryAfterSeconds ?? (statusOf(problem.code) === 503 ? secondsUntilRetry : undefined)
}

/** The Problem that answers a thrown value; an unknown error is `internal`, without details. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const storeTrouble = error instanceof StoreError && storeTroubles.get(error.kind)
  if (storeTrouble) return new Problem('unavailable', storeTrouble, { cause: error })
  // Express and its router set status 400 for a caller's mistake, such as an undecodable path.
  if (error instanceof Error && 'status' in error && error.status === 400) {
    return new Problem('invalid-request', 'The request can not be parsed', { cause: error })
  }
  return new Problem('internal', 'The log of the API has the cause, under the request id of this answer', {
    cause: error,
  })
}
