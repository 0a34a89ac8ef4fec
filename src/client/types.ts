/* The API's answers as a client sees them; test/client/types.test.ts compares them with the schemas. */

export type State = 'queued' | 'preparing' | 'running' | 'storing' | 'succeeded' | 'failed' | 'canceled'

/** Addresses of a job's resources; relative unless the server has a PUBLIC_URL. */
export interface Links {
  self: string
  log: string
  result_list: string
  result: string
  cancel: string
}

export interface Step {
  name: string
  state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'reused' | 'unknown'
  exit_code: number | null
  started_at: string | null
  finished_at: string | null
}

/** A change of a job's state. */
export interface Transition {
  state: State
  time: string
  /** Its number; null before the first one. */
  attempt: number | null
  /** Of `queued`: why the attempt before ended. */
  reason: string | null
  /** Of `running`: the step that started; of `failed`: that failed. */
  step?: string
}

/** What a job has used so far. Null: it did not come to that, or it is not known. */
export interface Usage {
  queued_seconds: number | null
  pulling_seconds: number | null
  fetching_seconds: number | null
  running_seconds: number | null
  storing_seconds: number | null
  input_bytes: number | null
  output_bytes: number | null
  node: string | null
  images: (string | null)[] | null
  peak_memory_bytes: number | null
  cpu_seconds: number | null
}

/** A job as `GET /job/:id` answers it. Times are RFC 3339 in UTC. */
export interface Job {
  job_uuid: string
  /** Name of the configured job that it was started from. */
  job: string | null
  /** The request's own; absent without one. */
  name?: string
  labels?: Record<string, string>
  /** The state in five words; it never goes back to an earlier one. */
  phase: 'queued' | 'running' | 'finished' | 'failed' | 'canceled'
  state: State
  /** docs/reasons.md explains each. */
  reason: string | null
  /** For people: what the job waits for, or how to solve its problem. */
  message: string | null
  exit_code: number | null
  attempt: { number: number; uid: string } | null
  created_at: string
  started_at: string | null
  finished_at: string | null
  steps?: Step[]
  result: {
    state: 'complete' | 'partial' | 'missing' | 'expired' | null
    count: number | null
    bytes: number | null
    expires_at?: string
  }
  /** What the worker says of its progress. */
  progress?: { percent: number | null; message: string | null; updated_at: string }
  /** When the files of the newest `publish` were in the store. */
  published_at?: string
  values_bytes?: number
  /** The worker's `values.json`: of one job, and in callbacks. */
  values?: Record<string, unknown>
  /** Its inputs by reference, as they were read. */
  inputs?: FetchedInput[]
  /** The job whose request this one repeats. */
  rerun_of?: string
  /** Oldest first; of one job alone, not in lists. */
  history?: Transition[]
  /** As `history`. */
  usage?: Usage
  /** Name of the token that made it. */
  made_by?: string
  links: Links
}

/** An input by reference, as it was read. */
export interface FetchedInput {
  /** The address without its query. */
  source: string
  /** Relative to the input directory. */
  to: string
  /** Bytes. */
  size: number
  sha256: string
  /** Number of files; folders only. */
  files?: number
  etag?: string
}

/** The jobs that meet every given condition. */
export interface JobFilter {
  /** States, separated by commas. */
  state?: string | undefined
  /** Name of the configured job. */
  job?: string | undefined
  name?: string | undefined
  /** `key=value` each. */
  labels?: readonly string[] | undefined
  /** RFC 3339: created then or later. */
  since?: string | undefined
  /** RFC 3339: created before. */
  until?: string | undefined
}

export interface JobPage {
  jobs: Job[]
  /** Link to the next page. */
  next: string | null
}

/** A new job. */
export interface Deployed {
  job_uuid: string
  /** The job that this one repeats. */
  rerun_of?: string
  /** The first step that runs, on what that job had stored; null for a job without steps. */
  restarted_from?: string | null
  links: Links
  /** Fields of the request that have no effect on this server. */
  ignored?: string[]
}

/** A file, folder or link of a result. */
export interface Entry {
  path?: string
  /** Instead of `path`: bytes that are not UTF-8. */
  path_base64?: string
  type: 'file' | 'directory' | 'symlink' | 'skipped'
  /** Bytes; files only. */
  size?: number
  /** Permission bits, octal. */
  mode?: string
  /** RFC 3339 in UTC with nine decimals. */
  mtime?: string
  sha256?: string
  target?: string
  target_base64?: string
  /** Why a file's bytes are not in the store. */
  error?: string
  /** Why a stored file can not be read. */
  damage?: string
}

/** How much of a job's result is stored. */
export interface Progress {
  job_uuid: string
  files: number
  bytes: number
  total_files?: number
  total_bytes?: number
  bytes_per_second: number | null
}

/** An event of one job. `deleted` is the last one of a job that is removed. */
export type JobEvent =
  | { type: 'state'; job: Job }
  | { type: 'progress'; progress: Progress }
  | { type: 'deleted'; job_uuid: string }

/** The fields of docs/fields.md. */
export type JobRequest = Readonly<Record<string, unknown>>

/** A file that is sent with a request; the worker finds it under `name`, which may have folders, in INPUT_DIRECTORY. */
export interface InputFile {
  name: string
  /** Is called once for each attempt to send it. */
  open(): AsyncIterable<Uint8Array>
}

/** An input that the server keeps for several jobs. */
export interface Upload {
  name: string
  /** Bytes. */
  size: number
  sha256: string
  /** RFC 3339 in UTC. */
  modified_at: string
  /** `from` of an input that takes it. */
  from: string
}

export interface UploadPage {
  uploads: Upload[]
  /** Link to the next page. */
  next: string | null
}

/** A parameter of a configured job, in words of JSON Schema. */
export interface CatalogueParameter {
  type: 'string' | 'number' | 'integer' | 'boolean'
  title?: string
  description?: string
  enum?: (string | number | boolean)[]
  default?: string | number | boolean
  minimum?: number
  maximum?: number
  /** For the whole text. */
  pattern?: string
  /** The caller has to give it. */
  required: boolean
}

/** A configured job, which callers start by its name. */
export interface CatalogueJob {
  name: string
  title: string | null
  description: string | null
  /** What `parameters` of a request may have. */
  parameters: Record<string, CatalogueParameter>
  /** Request fields that callers can't give with this job. */
  locked: string[]
}

/** What a callback sends: `data` is the job. */
export interface CallbackEvent {
  type: string
  timestamp: string
  data: Job
}

export function isFinal(state: State): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'canceled'
}
