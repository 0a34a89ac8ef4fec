/** A job as `GET /job/:id` shows it; times are RFC 3339 in UTC. */
export interface Job {
  job_uuid: string
  /** Name of the configured job it was started from. */
  job: string | null
  state: State
  reason: Reason | null
  /** What a person can do about it, or what is awaited. */
  message: string | null
  /** The worker's. */
  exit_code: number | null
  attempt: { number: number; uid: string } | null
  created_at: string
  /** The worker's start and end, of the last attempt. */
  started_at: string | null
  finished_at: string | null
  result: JobResult
}

/** What can be read of a job's results; null while that is not known. */
export interface JobResult {
  state: ResultState | null
  /** Entries of every type. */
  count: number | null
  bytes: number | null
  /** When they are or were removed, of a job with `result_keep_seconds` that has ended. */
  expires_at?: string
}

/** `expired`: removed by time; count and bytes are what there was. */
export type ResultState = 'complete' | 'partial' | 'missing' | 'expired'

export const states = [
  'queued',
  'preparing',
  'running',
  'storing',
  'succeeded',
  'failed',
  'canceled',
] as const
export type State = (typeof states)[number]

export function isFinal(state: State): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'canceled'
}

/** The closed list; Kubernetes' word where it has one. */
export const reasons = [
  'Unschedulable',
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'CreateContainerConfigError',
  'FailedMount',
  'QuotaExceeded',
  'OOMKilled',
  'Evicted',
  'Error',
  'StoreUnavailable',
  'StartTimeout',
  'TimeoutExceeded',
  'UploadTimeout',
  'UploadInterrupted',
  'Interrupted',
  'PodDeleted',
  'JobDeleted',
  'NodeLost',
  'StorageFull',
  'TooManyDisruptions',
  'Suspended',
  'Canceled',
] as const
export type Reason = (typeof reasons)[number]

/** Why a job is where it is: a reason and a message for people. */
export interface Cause {
  reason: Reason
  message: string
}
