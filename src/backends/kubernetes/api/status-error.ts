import { messageOf, Problem } from '../../../util/errors.ts'
import { parseJsonObject } from '../../../util/objects.ts'

/** An error in an object; `field` is its path: `spec.template.spec.containers[0].image`. */
export interface StatusCause {
  field: string
  message: string
  reason: string
}

/** An answer of the API server other than 2xx: a Kubernetes Status. */
export class StatusError extends Error {
  /** HTTP status. */
  readonly status: number
  /** Kubernetes' reason: AlreadyExists, Conflict, Invalid, Expired, … */
  readonly reason: string
  /** The resource: `pods`, `pods/log`; may be empty. */
  readonly kind: string
  readonly causes: readonly StatusCause[]
  readonly retryAfterSeconds: number | undefined

  constructor(
    status: number,
    message: string,
    details: {
      reason?: string
      kind?: string
      causes?: readonly StatusCause[]
      retryAfterSeconds?: number
    } = {},
  ) {
    super(message)
    this.name = 'StatusError'
    this.status = status
    this.reason = details.reason ?? ''
    this.kind = details.kind ?? ''
    this.causes = details.causes ?? []
    this.retryAfterSeconds = details.retryAfterSeconds
  }

  /** From an answer's status, Retry-After and body. The body is not JSON if a proxy answered. */
  static of(status: number, retryAfter: string | string[] | undefined, body: string): StatusError {
    const seconds = Number(retryAfter)
    const after = Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: seconds } : {}
    const parsed = parseStatus(body)
    if (parsed === undefined)
      return new StatusError(status, body.trim().slice(0, 500) || `HTTP ${status}`, after)
    const causes = (parsed.details?.causes ?? []).map((cause) => ({
      field: cause.field ?? '',
      message: cause.message ?? '',
      reason: cause.reason ?? '',
    }))
    const { reason = '', message = `HTTP ${status}`, details } = parsed
    return new StatusError(status, message, { reason, kind: details?.kind ?? '', causes, ...after })
  }
}

/** No answer, or an incomplete one. */
export class ConnectionError extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
    this.name = 'ConnectionError'
  }
}

export function hasStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof StatusError && statuses.includes(error.status)
}

/** The namespace is being deleted: nothing can be created in it. */
export function isNamespaceGoing(error: unknown): boolean {
  return error instanceof StatusError && error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
}

/** The Problem for a failed call; a Problem stays as it is. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StatusError) {
    const detail = `Kubernetes answered: ${error.message}`
    return new Problem('unavailable', detail, {
      retryAfterSeconds: error.retryAfterSeconds ?? 5,
      cause: error,
    })
  }
  if (error instanceof ConnectionError) {
    const detail = `The Kubernetes API server can't be reached: ${error.message}`
    return new Problem('unavailable', detail, { retryAfterSeconds: 5, cause: error })
  }
  return new Problem('internal', messageOf(error), { cause: error })
}

/** For a promise's catch(): throws problemOf() the error. */
export function rejectProblem(error: unknown): never {
  throw problemOf(error)
}

interface Status {
  message?: string
  reason?: string
  details?: { kind?: string; causes?: { field?: string; message?: string; reason?: string }[] }
}

function parseStatus(body: string): Status | undefined {
  const value = parseJsonObject(body)
  return value?.kind === 'Status' ? value : undefined
}
