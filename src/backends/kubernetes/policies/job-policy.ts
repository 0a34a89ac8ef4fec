import type { CachedJob } from '../cache/cached-job.ts'

/**
 * What a policy says about a job: an action for now, or the time at which to decide again unless
 * the job changes before, in milliseconds since the epoch; undefined: nothing until the job
 * changes.
 */
export type Decision<Action> = { action: Action } | { waitUntil: number } | undefined

/** Pure: decides by what was last seen of the job. */
export type JobPolicy<Action> = (job: CachedJob, now: number) => Decision<Action>
