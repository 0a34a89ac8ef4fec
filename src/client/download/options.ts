export interface DownloadProgress {
  /** Files that are whole now, including those of an earlier call. */
  files: number
  bytes: number
  totalFiles: number
  totalBytes: number
}

export interface DownloadOptions {
  /** Paths of files and folders of the result. Default: all of it. */
  paths?: readonly string[] | undefined
  /** Before the job's end: what is stored by then. */
  soFar?: boolean | undefined
  /** Requests at once. Default: 8. */
  parallel?: number | undefined
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface Downloaded {
  directory: string
  files: number
  bytes: number
  /** Files of an earlier call, which were not read again. */
  kept: number
  /** Entries that could not be written under their own names. */
  renamed: { path: string; as: string }[]
  /** Entries that are not in the folder. */
  absent: AbsentEntry[]
}

export interface AbsentEntry {
  path: string
  /**
   * `missing`: the store lacks its bytes; `damaged`: they are not those that were stored; `unsafe`:
   * a link that leads out of the folder; `skipped`: a socket, FIFO or device.
   */
  kind: 'missing' | 'damaged' | 'unsafe' | 'skipped'
  problem: string
}
