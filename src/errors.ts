/** What the API can answer instead of a result; src/http/problem.ts maps each to its HTTP status. */
export type ErrorCode =
  | 'invalid-request'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'not-final'
  | 'not-started'
  | 'deletion-under-way'
  | 'conflict'
  | 'result-missing'
  | 'not-a-readable-file'
  | 'precondition-failed'
  | 'result-damaged'
  | 'expired'
  | 'too-large'
  | 'unsupported-media-type'
  | 'range-not-satisfiable'
  | 'idempotency-key-reused'
  | 'job-failed'
  | 'refused'
  | 'unavailable'
  | 'busy'
  | 'internal'

/** One thing wrong with a request: which field, what is wrong with its value, what would be right. */
export interface FieldError {
  field: string
  problem: string
  expected: string
}

/** A failure that its reader can act on: `detail` is shown to the caller, `cause` goes to the log alone. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly errors: readonly FieldError[]
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    detail: string,
    options: { errors?: readonly FieldError[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.errors = options.errors ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** A Problem of code `invalid-request` about one field. */
export function invalid(field: string, problem: string, expected: string): Problem {
  return invalidFields([{ field, problem, expected }])
}

/** A Problem of code `invalid-request` about several fields; its detail names each. */
export function invalidFields(errors: readonly FieldError[]): Problem {
  const detail = errors.map((e) => `${e.field}: ${e.problem}; expected ${e.expected}`).join('. ')
  return new Problem('invalid-request', detail, { errors })
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
