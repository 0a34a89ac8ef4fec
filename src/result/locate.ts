import type { Job, ResultState } from '../job/job.ts'

/** A final job's results: what its manifest is called in the store, and how complete they are. */
export interface LocatedResult {
  job: Job
  attempt: string
  state: Exclude<ResultState, 'missing' | 'expired'>
}

/**
 * Finds a job's results. Rejects with Problem: `not-found` for an unknown job, `not-final` with a Retry-After
 * while it isn't final, `result-missing` where it left none, `expired` where they were removed by time.
 */
export type LocateResult = (uuid: string) => Promise<LocatedResult>
