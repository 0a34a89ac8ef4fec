import { messageOf, Problem } from '../errors.ts'

/** One thing that the API server found wrong, with the path in the object: `spec.template.spec.containers[0].image`. */
export interface StatusCause {
  field: string
  message: string
  reason: string
}

/** An answer of the API server that is no success: a Kubernetes Status. */
export class StatusError extends Error {
  /** HTTP's. */
  readonly status: number
  /** Kubernetes': AlreadyExists, Conflict, Invalid, Expired, … */
  readonly reason: string
  /** What it is about: `pods`, `pods/log`; empty where that isn't said. */
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

  /** From an answer's status, Retry-After and body, which is not JSON where a proxy answered. */
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

/** No answer, or not a whole one. */
export class ConnectionError extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
    this.name = 'ConnectionError'
  }
}

export function hasStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof StatusError && statuses.includes(error.status)
}

/** Nothing can be created any more: somebody deletes the namespace. */
export function isNamespaceGoing(error: unknown): boolean {
  return error instanceof StatusError && error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
}

/** What a caller of the backend is told of a failed call; a Problem stays as it is. */
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

interface Status {
  message?: string
  reason?: string
  details?: { kind?: string; causes?: { field?: string; message?: string; reason?: string }[] }
}

function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status'
      ? (value as Status)
      : undefined
  } catch {
    return undefined
  }
}
