import type { Job, ResultState } from '../job/job.ts'

/** A job's results: the attempt that stored them, and how complete they are. */
export interface LocatedResult {
  job: Job
  /** Uid of the attempt; `none` if a job that is not final has no attempt yet. */
  attempt: string
  /** `provisional`: the job is not final, and its attempt's checkpoints replace the manifest. */
  state: Exclude<ResultState, 'missing' | 'expired'> | 'provisional'
}

/**
 * Finds a job's results. Rejects with Problem: `not-found` for an unknown job, `not-final` with a
 * Retry-After before the job is final (not with `soFar`), `result-missing` if it left no results,
 * `expired` if the results were removed after their retention.
 */
export type LocateResult = (uuid: string, soFar?: boolean) => Promise<LocatedResult>
