import { KindError } from '../errors.ts'

/** One request to a URL from a caller or from the settings. */
export interface OutgoingRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  url: string
  headers?: Readonly<Record<string, string>>
  body?: string
  /**
   * True: the URL is from the settings; all addresses but those of the class `never` are allowed.
   * Default: it is from a caller, and OUTGOING_ALLOW must allow it.
   */
  trusted?: boolean
  signal?: AbortSignal
}

export interface OutgoingAnswer {
  status: number
  /** Names in lower case; values of a repeated name are joined with ", ". */
  headers: Readonly<Record<string, string>>
  /** The first 64 KiB of the body. */
  body: Buffer
  /** True if the body is longer than that, failed, or did not end in time. */
  truncated: boolean
}

/**
 * - `forbidden`: the URL, or the address that its name resolves to, is not allowed; nothing was
 *   sent
 * - `unreachable`: refused, reset, no such name, TLS that can't be verified
 * - `timeout`: no answer in time
 */
export type OutgoingErrorKind = 'forbidden' | 'unreachable' | 'timeout'

/** The request got no answer; the message may be shown to callers. */
export class OutgoingError extends KindError<OutgoingErrorKind> {}

/** Calls to URLs from callers and settings; each address is checked when its connection is made. */
export interface OutgoingCalls {
  /**
   * Resolves with the answer of any status; redirects are not followed. Rejects with OutgoingError
   * or the signal's reason. Takes at most OUTGOING_TIMEOUT_SECONDS (15).
   */
  send(request: OutgoingRequest): Promise<OutgoingAnswer>

  /**
   * Description of the expected URL, if this URL will never be called: a request with it can be
   * refused at once. Undefined if it may be called. Names are not resolved.
   */
  refuses(url: string): string | undefined

  close(): Promise<void>
}
