/** Leave to read one job's results, or some files of them: `grants/<id>.json` in the store. No secret lies there. */
export interface Grant {
  version: 1
  id: string
  /** The job's uuid. */
  job: string
  /** Paths as the result list has them; absent: everything. */
  files?: string[]
  /** Each opens it until its own time; RFC 3339. */
  secrets: { sha256: string; expires_at: string }[]
  /** Nothing is read until it is resumed. */
  suspended: boolean
}

/** A token as its reader gets it: `jfg_<id>.<random>`; only its hash is kept. */
export interface GrantToken {
  id: string
  token: string
  expiresAt: Date
}

export interface NewGrant {
  /** Of letters, digits, `-` and `_`, at most 100; random without it. */
  id?: string
  job: string
  files?: readonly string[]
  /** Default: GRANT_SECONDS. */
  seconds?: number
}

/** What a token is asked to open. */
export interface GrantedRead {
  job: string
  /** `list`: the result list. `result`: the files that are named, or a tar of everything where none is. */
  what: 'list' | 'result'
  /** The bytes of the paths. */
  files: readonly Uint8Array[]
}

/** Grants in the store, so that every replica knows them. Rejects with StoreError. */
export interface Grants {
  /**
   * A new token. Where there is a grant of that id already, it gets this job and these files, a further token, and is
   * not suspended any more: tokens given before stay good until their own time.
   */
  create(grant: NewGrant): Promise<GrantToken>

  /**
   * A further token for a grant, good for `seconds` from now (default: GRANT_SECONDS); with `only`, those given before
   * are good no longer. Undefined where there is no such grant (any more).
   */
  renew(id: string, options?: { seconds?: number; only?: boolean }): Promise<GrantToken | undefined>

  /** Undefined where there is none. */
  get(id: string): Promise<Grant | undefined>

  /** False where there is no such grant. */
  suspend(id: string): Promise<boolean>

  /** False where there is no such grant. */
  resume(id: string): Promise<boolean>

  /** From now on none of its tokens opens anything; one that is unknown counts as revoked. */
  revoke(id: string): Promise<void>

  /**
   * The id of the grant that a token belongs to, where it may read that. Rejects with a Problem: `unauthorized` for
   * one that is unknown, revoked or expired, `forbidden` for one that is suspended or for something else.
   */
  check(token: string, read: GrantedRead): Promise<string>
}

/** Whether a token has the form of a grant's. */
export function isGrantToken(token: string): boolean {
  return token.startsWith('jfg_')
}
