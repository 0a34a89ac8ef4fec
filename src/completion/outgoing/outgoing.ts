/** One request to an address that came from outside. */
export interface OutgoingRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  url: string
  headers?: Readonly<Record<string, string>>
  body?: string
  /**
   * The address stands in the settings: then it may be any but link-local and metadata addresses. Default: it came
   * from a caller, and OUTGOING_ALLOW has to allow it.
   */
  trusted?: boolean
  signal?: AbortSignal
}

export interface OutgoingAnswer {
  status: number
  /** Names in lower case; one that was sent several times is joined with ", ". */
  headers: Readonly<Record<string, string>>
  /** Of the body the first 64 KiB. */
  body: Buffer
  /** There was more of it than that, or it didn't come to its end in time. */
  truncated: boolean
}

/**
 * - `forbidden`: the URL or an address that its name resolves to is not allowed; nothing was sent
 * - `unreachable`: refused, reset, no such name, TLS that can't be verified
 * - `timeout`: no answer in time
 */
export type OutgoingErrorKind = 'forbidden' | 'unreachable' | 'timeout'

/** No answer was had; its message is for people. */
export class OutgoingError extends Error {
  readonly kind: OutgoingErrorKind

  constructor(kind: OutgoingErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'OutgoingError'
    this.kind = kind
  }
}

/** Calls to addresses that came from outside; what is allowed is looked at where the connection is made. */
export interface Outgoing {
  /**
   * Any status is an answer, redirects too: none is followed. Rejects with OutgoingError, or with the signal's
   * reason. Takes at most OUTGOING_TIMEOUT_SECONDS (15).
   */
  send(request: OutgoingRequest): Promise<OutgoingAnswer>

  /**
   * Why a URL will never be called, so that its giver can be told at once: what is expected instead; undefined where
   * it may be. Names are not resolved here.
   */
  refuses(url: string): string | undefined

  close(): Promise<void>
}
