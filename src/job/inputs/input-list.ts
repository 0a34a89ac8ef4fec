/*
 * The list of inputs in the store: one JSON object a line. `file` lines are entries
 * (result-format/entry.ts) of input objects; a list with `source` lines has a `settings` line.
 */

/** An input that the uploader fetches. */
export interface SourceLine {
  type: 'source'
  /** Relative to the input directory. */
  path: string
  from: string
  /** Lower-case hex, as demanded by the request. */
  sha256?: string
  /** The file is an archive: `path` is the folder for its contents. */
  unpack?: ArchiveKind
  /** Names the Secret with what the source asks for. */
  secret?: string
  /** UID of the attempt whose result it is, for a `job:` source. */
  attempt?: string
  /** Of an `upload:` source. */
  upload?: TakenUpload
  /** Absent: an input that can't be had fails the job. */
  optional?: boolean
}

/** The version of a kept input that a job takes. */
export interface TakenUpload {
  /** Both as in result-format/upload-keys.ts. */
  owner: string
  content: string
  size: number
  sha256: string
  etag: string
}

export const archiveKinds = ['tar', 'tar.gz', 'tar.zst', 'zip'] as const
export type ArchiveKind = (typeof archiveKinds)[number]

/** How sources are fetched: the operator's settings when the job was deployed, and its limits. */
export interface SourceSettings {
  type: 'settings'
  /** Of one creation alone, so that no list has the digest of another creation's. */
  creation?: string
  timeout_seconds: number
  /** OUTGOING_ALLOW */
  allow: string
  allow_http: boolean
  /** Of one archive without its compression, or of one folder. */
  unpack_max_bytes: number
  unpack_max_entries: number
  /** PEM, beside the authorities of Node's own list. */
  ca?: string
}

export const defaultInputTimeoutSeconds = 1800
