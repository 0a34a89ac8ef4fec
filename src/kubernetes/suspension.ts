import { hasEnded, type SeenPod, workerStatus } from './attempt.ts'
import { deletionOf } from './interruption.ts'
import { type Job, timeOf } from './objects.ts'

/**
 * Whether a pod was ended because somebody suspended its Job. The Job controller doesn't count such a pod and makes
 * a new one when the Job is resumed (tried), so it is no attempt of the job.
 */
export function endedBySuspension(seen: SeenPod, job: Job): boolean {
  const { pod, goneAt } = seen
  const deletedAt = deletionOf(pod) ?? goneAt
  if (!hasEnded(seen) || deletedAt === undefined || pod.status?.phase === 'Succeeded') return false
  const finishedAt = timeOf(workerStatus(pod)?.state?.terminated?.finishedAt)
  // Whole seconds: one that ended before is counted as a failure.
  if (finishedAt !== undefined && finishedAt + 1000 < deletedAt) return false
  if (job.spec?.suspend === true) return true
  const condition = job.status?.conditions?.find((one) => one.type === 'Suspended')
  if (condition?.status === 'True') return true
  const resumedAt = timeOf(condition?.lastTransitionTime)
  return resumedAt !== undefined && deletedAt <= resumedAt + 1000
}
