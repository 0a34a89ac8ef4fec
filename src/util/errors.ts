/** Codes of the API's error answers; src/http/server/problem.ts maps each to its HTTP status. */
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
  | 'environment-gone'
  | 'inputs-gone'
  | 'inputs-changed'
  | 'restart-impossible'
  | 'result-missing'
  | 'not-a-readable-file'
  | 'precondition-failed'
  | 'result-damaged'
  | 'expired'
  | 'too-large'
  | 'unsupported-media-type'
  | 'range-not-satisfiable'
  | 'idempotency-key-reused'
  | 'too-many-jobs'
  | 'too-many-uploads'
  | 'job-failed'
  | 'refused'
  | 'unavailable'
  | 'busy'
  | 'internal'

/**
 * An error in one field of a request: the field, the problem of its value, and the expected value.
 */
export interface FieldError {
  field: string
  problem: string
  expected: string
}

/** A failure that a caller can act on: `detail` is sent to the caller, `cause` is only logged. */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly errors: readonly FieldError[]
  /** Seconds after which a retry makes sense. */
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

/** An error of one of several kinds, by which its catcher decides. */
export class KindError<Kind extends string> extends Error {
  readonly kind: Kind

  constructor(kind: Kind, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.kind = kind
  }
}

/**
 * The program can't start, for a reason that a person has to remove: a setting, or a file that one
 * names. The message is all that is shown, on one line.
 */
export class StartError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message.replaceAll(/\s*\n\s*/g, ' '), options)
    this.name = new.target.name
  }
}

/** A Problem of code `invalid-request` about one field. */
export function invalid(field: string, problem: string, expected: string): Problem {
  return invalidFields([{ field, problem, expected }])
}

/** A Problem of code `invalid-request` about several fields; its detail names each. */
export function invalidFields(errors: readonly FieldError[]): Problem {
  return new Problem('invalid-request', detailOf(errors), { errors })
}

/** As invalidFields(), for fields that the caller may not set. */
export function forbiddenFields(errors: readonly FieldError[]): Problem {
  return new Problem('forbidden', detailOf(errors), { errors })
}

function detailOf(errors: readonly FieldError[]): string {
  return errors.map((e) => `${e.field}: ${e.problem}; expected ${e.expected}`).join('. ')
}

/** The message of a thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
