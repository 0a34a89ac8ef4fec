/** How the API presents and protects itself; src/config.ts makes it of the environment. */
export interface HttpOptions {
  /** Where callers reach it, without a slash at the end: links begin with it. Without it they are relative. */
  publicUrl?: string | undefined
  /** Who may call; with an empty list everybody may. */
  tokens: readonly Token[]
  /** Who may call POST /provision alone. */
  provisionTokens?: readonly Token[] | undefined
  /** It listens on loopback: only Host headers that name it are served, which stops DNS rebinding. */
  loopbackOnly: boolean
  /** Of all inputs of a job, in bytes. */
  inputMaxBytes: number
  /** How long a caller who asks for it is kept waiting at most, in seconds; default 50. */
  waitMaxSeconds?: number | undefined
  /** How long GET /demo waits; default 50. */
  demoWaitSeconds?: number | undefined
  /** Fields that callers may not give here, and what is expected instead. */
  refusedFields?: Readonly<Record<string, string>> | undefined
}

/** A bearer token: who it is, and the lower-case hex SHA-256 of its text. */
export interface Token {
  name: string
  sha256: string
}
