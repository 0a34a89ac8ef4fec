import { graceOf, isThrownAway } from '../operations/stop.ts'
import type { JobPolicy } from './job-policy.ts'

/**
 * A pod too many that the Job controller deleted ends with the job's own grace: until then it holds
 * up the job's archive, and its own grace is as long as an upload may take.
 */
export const excessPod: JobPolicy<'end-excess'> = ({ job, excess = [] }) =>
  excess.some((seen) => isThrownAway(seen, graceOf(job))) ? { action: 'end-excess' } : undefined
