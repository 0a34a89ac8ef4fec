/** What stands behind an asset's or dataset's id: as DATASETS_FILE maps it, with all placeholders filled in. */
export interface Dataset {
  /** The id it was found by. */
  id: string
  source: DatasetJob | DatasetResults
  /** A path of the results; absent: a tar of all of them. */
  file?: string
  /** Of the tar. */
  format: 'tar' | 'tar.gz' | 'tar.zst'
  /** `http`: an address of this API with a token; `s3`: the object itself, with credentials for it alone. */
  givenAs: 'http' | 's3'
  /** What goes when the transfer is over; `job`: the job with its results and its log, which was made for it. */
  remove: 'nothing' | 'job'
}

/** Its data are made for each transfer. */
export interface DatasetJob {
  kind: 'job'
  /** A configured job's name. */
  job: string
  env: Record<string, string>
}

/** Its data exist already. */
export interface DatasetResults {
  kind: 'results'
  uuid: string
}

/** The mapping of DATASETS_FILE; it is read again when it changes. */
export interface Datasets {
  /** An exact id goes before patterns, and those in the order of the file. Undefined where nothing fits. */
  find(id: string): Dataset | undefined
  close(): void
}
