import type { KubernetesJob } from '../api/objects.ts'
import { isArchived, requestOfJob, stopOf } from '../job-metadata.ts'
import { countedDisruptions, ownFailures } from './disruptions.ts'
import { type CachedPod, hasEnded } from './pod-state.ts'

/**
 * Whether a job has failures left by its own count where Kubernetes counts start failures of the
 * machine as well: then the end of its Job is not the job's.
 */
export function isOwedAttempt(job: KubernetesJob, pods: readonly CachedPod[]): boolean {
  if (!mayGoOn(job)) return false
  if (countedDisruptions(job, pods) === 0 || !pods.every(hasEnded)) return false
  return ownFailures(job, pods) <= requestOfJob(job).retries
}

/** Whether neither the API nor another client ends the job. */
export function mayGoOn(job: KubernetesJob): boolean {
  return stopOf(job) === undefined && !isArchived(job) && job.metadata?.deletionTimestamp === undefined
}
