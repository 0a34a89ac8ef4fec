import { type KubernetesJob, timeOf } from '../api/objects.ts'
import { deletionOf } from './interruption.ts'
import { type CachedPod, hasEnded } from './pod-state.ts'
import { workerStatus } from './pod-steps.ts'

/**
 * Whether a pod ended because a client suspended its Job. The Job controller does not count such a
 * pod and makes a new one when the Job is resumed, so it is no attempt of the job.
 */
export function endedBySuspension(seen: CachedPod, job: KubernetesJob): boolean {
  const { pod, goneAt } = seen
  const deletedAt = deletionOf(pod) ?? goneAt
  if (!hasEnded(seen) || deletedAt === undefined || pod.status?.phase === 'Succeeded') return false
  const finishedAt = timeOf(workerStatus(pod)?.state?.terminated?.finishedAt)
  // Whole seconds. An end before the deletion counts as a failure.
  if (finishedAt !== undefined && finishedAt + 1000 < deletedAt) return false
  if (job.spec?.suspend === true) return true
  const condition = job.status?.conditions?.find((one) => one.type === 'Suspended')
  if (condition?.status === 'True') return true
  const resumedAt = timeOf(condition?.lastTransitionTime)
  return resumedAt !== undefined && deletedAt <= resumedAt + 1000
}
