/**
 * A call that failed. `code` is the API's error code (docs/http.md), or one of the client's own:
 * `unreachable` (no connection), `interrupted` (the connection broke off), `redirected`,
 * `unexpected-answer` (the address is not a Jobferry), `damaged` (other bytes than the server
 * promised), `timeout`, `deleted`.
 */
export class JobferryError extends Error {
  readonly code: string
  /** The HTTP status; undefined without an answer. */
  readonly status: number | undefined
  /** The wrong fields of a request. */
  readonly fields: readonly FieldProblem[]
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfterSeconds: number | undefined

  constructor(code: string, message: string, more: JobferryErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'JobferryError'
    this.code = code
    this.status = more.status
    this.fields = more.fields ?? []
    this.retryAfterSeconds = more.retryAfterSeconds
  }
}

export interface FieldProblem {
  field: string
  problem: string
  expected: string
}

interface JobferryErrorDetails {
  status?: number | undefined
  fields?: readonly FieldProblem[] | undefined
  retryAfterSeconds?: number | undefined
  cause?: unknown
}

/** True for a JobferryError with one of the codes. */
export function hasCode(error: unknown, ...codes: string[]): error is JobferryError {
  return error instanceof JobferryError && codes.includes(error.code)
}

/** The error that an answer with another status than 2xx tells of; reads its body. */
export async function errorOf(response: Response, url: string): Promise<JobferryError> {
  const { status } = response
  const text = await response.text().catch(() => '')
  const retryAfterSeconds = secondsIn(response.headers.get('retry-after'))
  if (status >= 300 && status < 400) {
    const to = response.headers.get('location') ?? 'another address'
    return new JobferryError('redirected', `${url} is redirected to ${to}`, { status })
  }
  const problem = problemIn(text)
  if (problem === undefined) {
    const message = `${url} answered ${status} ${response.statusText}: ${text.trim().slice(0, 200)}`
    return new JobferryError('unexpected-answer', message, { status, retryAfterSeconds })
  }
  const { type, detail, errors } = problem
  const code = type.replace(/^urn:jobferry:error:/, '')
  return new JobferryError(code, detail, { status, fields: errors, retryAfterSeconds })
}

interface ProblemDocument {
  type: string
  detail: string
  errors?: FieldProblem[]
}

function problemIn(text: string): ProblemDocument | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProblemDocument> | null
    const isProblem = typeof value?.type === 'string' && typeof value.detail === 'string'
    return isProblem ? (value as ProblemDocument) : undefined
  } catch {
    return undefined
  }
}

function secondsIn(header: string | null): number | undefined {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) : undefined
}
