import { timeOf } from '../api/objects.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import { archivedAt, hasFinalizer, isArchived } from '../job-metadata.ts'
import { isTerminal } from '../observation/pod-state.ts'
import type { JobPolicy } from './job-policy.ts'

/** An archived Job is free to go, and must not run again. */
export const archivedJob: JobPolicy<'drop-finalizer' | 'end-repeat' | 'release-again'> = (seen) => {
  const { job, agains } = seen
  if (isArchived(job) && agains.some((one) => hasFinalizer(one.job))) return { action: 'release-again' }
  if (job.metadata?.deletionTimestamp === undefined) {
    return runsAgain(seen) ? { action: 'end-repeat' } : undefined
  }
  return isArchived(job) && hasFinalizer(job) ? { action: 'drop-finalizer' } : undefined
}

/** Kubernetes made another attempt of a job that had ended. */
function runsAgain({ job, pods, excess = [] }: CachedJob): boolean {
  const archived = archivedAt(job)
  if (archived === undefined) return false
  return [...pods, ...excess].some(
    ({ pod, goneAt }) =>
      goneAt === undefined && !isTerminal(pod) && (timeOf(pod.metadata?.creationTimestamp) ?? 0) > archived,
  )
}
