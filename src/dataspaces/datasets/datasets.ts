/**
 * The data behind an asset's or dataset's id: an entry of DATASETS_FILE with its placeholders
 * filled in.
 */
export interface Dataset {
  /** The id that was looked up. */
  id: string
  source: DatasetJob | DatasetResults
  /** Path of one result file; absent: an archive of all files. */
  file?: string
  /** Format of the archive. */
  format: 'tar' | 'tar.gz' | 'tar.zst' | 'zip'
  /**
   * `http`: an address of this API with a token; `s3`: the object itself, with credentials for it
   * alone.
   */
  givenAs: 'http' | 's3'
  /**
   * Removed at the transfer's end; `job`: the job that was made for it, with its results and log.
   */
  remove: 'nothing' | 'job'
}

/** A dataset that a job makes for each transfer. */
export interface DatasetJob {
  kind: 'job'
  /** A configured job's name. */
  job: string
  env: Record<string, string>
}

/** A dataset that exists already. */
export interface DatasetResults {
  kind: 'results'
  uuid: string
}

/** The mapping of DATASETS_FILE; it is read again when it changes. */
export interface Datasets {
  /**
   * The entry for an id: an exact id first, then patterns in the file's order. Undefined if none
   * matches.
   */
  find(id: string): Dataset | undefined
  close(): void
}
