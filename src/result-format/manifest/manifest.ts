import type { Entry } from '../entry.ts'
import type { ReachedLimit } from '../result-limits.ts'
import type { Tally } from '../tally.ts'
import type { WorkerWord } from '../worker-word.ts'

/** The first line of a manifest. Times are RFC 3339 in UTC with milliseconds. */
export interface ManifestHead extends Tally {
  version: 1
  job: string
  /** UID of the attempt's pod. */
  attempt: string
  /** Start of the scan that found these entries. */
  scan_started_at: string
  /** Time at which the uploader saw the request to stop early; absent without such a request. */
  stop_seen_at?: string
  /** The operator's limits that kept files or names out of the result. */
  limits_reached?: ReachedLimit[]
  /** The patterns of `outputs.required` that no entry matches. */
  outputs_missing?: MissingOutputs
  /** Set if the results' volume was full after the scan. */
  volume_full?: FullVolume
  /** What the worker was given by reference; absent without such inputs. */
  inputs?: TakenInput[]
  /** What the worker said of itself; absent if it said nothing. */
  word?: WorkerWord
  /** Absent from uploaders up to 0.2. */
  prepared?: Prepared
  /** When all files were stored; absent from uploaders up to 0.2, and with `checkpoint`. */
  stored_at?: string
  /**
   * Last checkpoint's number, if the API made this manifest of checkpoints: the result is partial.
   */
  checkpoint?: number
  /** As the last checkpoint's; a manifest without `checkpoint` always lists all names. */
  all_listed?: true
}

/** What was done before the worker's start. */
export interface Prepared {
  /** When the uploader first started. */
  started_at: string
  ready_at: string
  /** Of all inputs. */
  input_bytes: number
}

/** An input that came from elsewhere. */
export interface TakenInput {
  /** The address without its query, which may hold a signature. */
  source: string
  /** Relative to the input directory. */
  to: string
  /** Of a folder: of its files together. */
  size: number
  /** Lower-case hex. Of a folder: of the lines that sha256sum writes of its files, sorted by path. */
  sha256: string
  /** Of a folder: how many files it has. */
  files?: number
  etag?: string
}

/** `names` are the first of `count` patterns, as many as fit into the head. */
export interface MissingOutputs {
  count: number
  names: readonly string[]
}

/** In bytes; a volume with free bytes may still be unable to hold a further file. */
export interface FullVolume {
  size: number
  free: number
}

/**
 * The first line of a checkpoint. The changes since the previous checkpoint follow, sorted by path.
 */
export interface CheckpointHead {
  version: 1
  job: string
  attempt: string
  /** From 1 on. */
  number: number
  scan_started_at: string
  stop_seen_at?: string
  inputs?: TakenInput[]
  word?: WorkerWord
  prepared?: Prepared
  /**
   * In an attempt's last checkpoint: the checkpoints list every name that the worker left. Absent
   * after a kill, where the last scan began before the worker's end, and where listing all names
   * would have taken too long.
   */
  all_listed?: true
  /** Open uploads in parts, which must be aborted when the attempt is removed. */
  uploads: { key: string; id: string }[]
}

/** A line of a checkpoint: an entry, or a path that was removed. */
export type CheckpointLine = Entry | RemovedLine

export interface RemovedLine {
  path?: string
  path_base64?: string
  removed: true
}
