/**
 * What a worker says through the files of its JOBFERRY_DIRECTORY: in the uploader's log while it
 * runs, then in the head of checkpoints and manifest. At most about 3 KiB.
 */
export interface WorkerWord {
  /** From 0 to 100. */
  percent?: number
  message?: string
  /** When `progress.json` was last written; RFC 3339. */
  updated_at?: string
  /** Size of the attempt's `values.json` in the store; absent without one. */
  values_bytes?: number
  /** When what the newest `publish` asked for was in the store; RFC 3339. */
  published_at?: string
  /** A program has failed and its container is held: since when, RFC 3339, and its exit code. */
  held?: { at: string; exit_code: number }
  /** For people: what of the files is ignored, and what would be right. */
  problem?: string
}
