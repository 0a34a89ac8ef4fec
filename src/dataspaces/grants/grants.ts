/**
 * Permission to read one job's results or some of its files: `grants/<id>.json` in the store,
 * without secrets.
 */
export interface Grant {
  version: 1
  id: string
  /** The job's uuid. */
  job: string
  /** Paths as in the result list; absent: all files. */
  files?: string[]
  /** Hashes of the grant's tokens, each with its expiry in RFC 3339. */
  secrets: { sha256: string; expires_at: string }[]
  /** True while the grant is suspended: its tokens read nothing until it is resumed. */
  suspended: boolean
}

/** A token as its reader gets it: `jfg_<id>.<random>`. The store keeps its hash only. */
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

/** The read that a token is presented for. */
export interface GrantedRead {
  job: string
  /** `list`: the result list. `result`: the named files, or a tar of all files if none is named. */
  what: 'list' | 'result'
  /** The named paths as bytes. */
  files: readonly Uint8Array[]
}

/** Grants, kept in the store so that all replicas share them. Methods reject with StoreError. */
export interface Grants {
  /**
   * Makes a grant with its first token. An existing grant of that id gets this job and these files
   * and a further token, and is resumed; its earlier tokens stay valid until their own expiry.
   */
  create(grant: NewGrant): Promise<GrantToken>

  /**
   * Makes a further token, valid for `seconds` from now (default: GRANT_SECONDS); `only` revokes
   * the earlier tokens. Undefined if the grant does not exist.
   */
  renew(id: string, options?: { seconds?: number; only?: boolean }): Promise<GrantToken | undefined>

  /** Undefined if the grant does not exist. */
  get(id: string): Promise<Grant | undefined>

  /** False if the grant does not exist. */
  suspend(id: string): Promise<boolean>

  /** False if the grant does not exist. */
  resume(id: string): Promise<boolean>

  /** Revokes the grant with all its tokens; an unknown grant counts as revoked. */
  revoke(id: string): Promise<void>

  /**
   * Checks a token for a read; resolves with its grant's id. Rejects with a Problem: `unauthorized`
   * for an unknown, revoked or expired token, `forbidden` for a suspended grant or a read that the
   * grant doesn't cover.
   */
  check(token: string, read: GrantedRead): Promise<string>
}

/** True if a token has the form of a grant's token. */
export function isGrantToken(token: string): boolean {
  return token.startsWith('jfg_')
}
