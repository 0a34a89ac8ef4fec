import type { DownloadLimits } from './limits/downloads.ts'

/** Options of the HTTP API; src/wiring/http-options.ts derives them from the settings. */
export interface HttpOptions {
  /**
   * The API's URL for callers, without a final slash. Links begin with it, else they are relative.
   */
  publicUrl?: string | undefined
  /**
   * Tokens of callers; with an empty list every caller is allowed. Changes in place when the settings
   * are read again, as does `provisionTokens`.
   */
  tokens: Token[]
  /** Tokens for POST /provision only. */
  provisionTokens?: Token[] | undefined
  /**
   * Names that a Host header may have beside `localhost` and addresses, against DNS rebinding; in
   * lower case, `*.example.org` for all names below it. Undefined: every name, where a page of
   * another site lacks a token.
   */
  allowedHosts?: readonly string[] | undefined
  /** Memory for the bodies of all requests, in bytes. */
  bodiesMaxBytes: number
  /** Maximum of results sent at once. */
  downloadsMax: number
  /** Maxima of one token's readers and of one grant's, if they are not to be the default shares. */
  downloadShares?: Partial<Pick<DownloadLimits, 'perToken' | 'perGrant'>> | undefined
  /** Maximum of all inputs of a job together, in bytes. */
  inputMaxBytes: number
  /** Maximum seconds for which a request waits for a job's end; default 50. */
  waitMaxSeconds?: number | undefined
  /** Seconds for which GET /demo waits; default 50. */
  demoWaitSeconds?: number | undefined
  /** Request fields that callers may not set, each with the description of the expected field. */
  refusedFields?: Readonly<Record<string, string>> | undefined
  /**
   * Request fields that have no meaning here: they are accepted, and the answer lists them. Present
   * where no image can be run.
   */
  ignoredFields?: readonly string[] | undefined
  /** True: callers set only variables that the configured job's own `env` names. */
  namedVariablesOnly?: boolean | undefined
}

/** A bearer token: its owner's name, and the lower-case hex SHA-256 of its text. */
export interface Token {
  name: string
  sha256: string
}
