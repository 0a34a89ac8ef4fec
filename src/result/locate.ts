import type { Job, ResultState } from '../job/job.ts'

/** A job's results: what its manifest is called in the store, and how complete they are. */
export interface LocatedResult {
  job: Job
  /** `none` where a job that isn't final has no attempt yet. */
  attempt: string
  /** `provisional`: the job isn't final; what its attempt's checkpoints say. */
  state: Exclude<ResultState, 'missing' | 'expired'> | 'provisional'
}

/**
 * Finds a job's results. Rejects with Problem: `not-found` for an unknown job, `not-final` with a Retry-After
 * while it isn't final, except with `soFar`, `result-missing` where it left none, `expired` where they were removed by time.
 */
export type LocateResult = (uuid: string, soFar?: boolean) => Promise<LocatedResult>
