import { stopOf } from '../job-metadata.ts'
import { unrecordedDisruptions } from '../observation/disruptions.ts'
import type { JobPolicy } from './job-policy.ts'

/** A disrupted pod may be gone before another process sees it, so the Job records it. */
export const unrecordedDisruption: JobPolicy<'record-disruption'> = ({ job, pods }) => {
  if (job.metadata?.deletionTimestamp !== undefined || stopOf(job) !== undefined) return undefined
  return unrecordedDisruptions(job, pods).length > 0 ? { action: 'record-disruption' } : undefined
}
