import type { Entry } from './entry.ts'

/** The first line of a manifest. Times are RFC 3339 in UTC with milliseconds. */
export interface ManifestHead {
  version: 1
  job: string
  /** The attempt: the pod's UID. */
  attempt: string
  /** When the scan began whose findings these are. */
  scan_started_at: string
  /** When the uploader learned that it was to stop early; absent where it never was. */
  stop_seen_at?: string
  /** Entries that follow, of every type. */
  count: number
  /** Sum of the files' sizes. */
  bytes: number
  /** Entries with an error: files whose bytes are not in the store. */
  errors: number
  /** Where the results' volume had no room left after the scan. */
  volume_full?: FullVolume
  /** Where the API made this manifest of the newest checkpoints: the last one's number. Such a result is partial. */
  checkpoint?: number
}

/** In bytes; a volume may have room and yet hold no further file. */
export interface FullVolume {
  size: number
  free: number
}

/** The first line of a checkpoint; its entries follow, sorted by path: what changed since the one before. */
export interface CheckpointHead {
  version: 1
  job: string
  attempt: string
  /** From 1 on. */
  number: number
  scan_started_at: string
  stop_seen_at?: string
  /** Uploads in parts that are open: whoever cleans up must abort them. */
  uploads: { key: string; id: string }[]
}

/** A line of a checkpoint: an entry, or a path that is no longer there. */
export type CheckpointLine = Entry | RemovedLine

export interface RemovedLine {
  path?: string
  path_base64?: string
  removed: true
}
