import type { Observation } from '../job/observation.ts'
import { attemptOf, hasFailed, type SeenPod, workerStatus } from './attempt.ts'
import { blockedByStatus } from './blocked.ts'
import { isCreating, stopOf } from './marks.ts'
import { type Job, timeOf } from './objects.ts'

/** What is known of a job: its Job, its pods (those that are gone included, as they were last), what else was noticed. */
export interface Seen extends Pick<Observation, 'blocked' | 'progress'> {
  job: Job
  pods: readonly SeenPod[]
}

/** What a backend shows of one job; a pure function of what was seen. */
export function observe({ job, pods, blocked: noticed, progress }: Seen): Observation {
  const newest = newestOf(pods)
  const number = newest && attemptNumber(job, pods, newest)
  const attempt = newest && attemptOf(newest, number ?? 1, job)
  const deletedAt = timeOf(job.metadata?.deletionTimestamp)
  const stop = stopOf(job)
  const ended = endOf(job, newest, number)
  const blocked = attempt?.ended ? undefined : ((newest && blockedByStatus(newest.pod)) ?? noticed)
  return {
    createdAt: timeOf(job.metadata?.creationTimestamp) ?? 0,
    suspended: job.spec?.suspend === true && !isCreating(job),
    failedAttempts: Math.max(job.status?.failed ?? 0, pods.filter(hasFailed).length),
    ...(stop === undefined ? {} : { stop }),
    ...(deletedAt === undefined ? {} : { deletedAt }),
    ...(ended === undefined ? {} : { ended }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(blocked === undefined ? {} : { blocked }),
    ...(progress === undefined || attempt?.ended ? {} : { progress }),
  }
}

/** The pod of the newest attempt. */
export function newestOf(pods: readonly SeenPod[]): SeenPod | undefined {
  return pods.toSorted(byCreation).at(-1)
}

const finalConditions = new Set(['Complete', 'SuccessCriteriaMet', 'Failed', 'FailureTarget'])

/**
 * When the Job controller's last word was spoken, or follows from what is seen already: it sets its conditions
 * only seconds after the pod's end.
 */
export function endOf(
  job: Job,
  newest: SeenPod | undefined,
  number: number | undefined,
): Observation['ended'] {
  const conditions = job.status?.conditions ?? []
  const times = conditions
    .filter((one) => one.status === 'True' && finalConditions.has(one.type))
    .map((one) => timeOf(one.lastTransitionTime) ?? 0)
  if (times.length > 0) return { at: Math.min(...times) }
  // A Job that is being deleted gets no more pods, and our own stop deletes it.
  const endedAt = stopOf(job)?.at ?? timeOf(job.metadata?.deletionTimestamp)
  if (endedAt !== undefined) return { at: endedAt }
  const end = newest && workerStatus(newest.pod)?.state?.terminated
  if (end === undefined) return undefined
  const isLast = end.exitCode === 0 || (number ?? 1) > (job.spec?.backoffLimit ?? 0)
  return isLast ? { at: timeOf(end.finishedAt) ?? 0 } : undefined
}

/** Pods that were seen count, and those before them that only the Job's status remembers. */
function attemptNumber(job: Job, pods: readonly SeenPod[], newest: SeenPod): number {
  const failed = job.status?.failed ?? 0
  return Math.max(1, pods.length, hasFailed(newest) ? failed : failed + 1)
}

function byCreation(a: SeenPod, b: SeenPod): number {
  const [left, right] = [a, b].map((one) => timeOf(one.pod.metadata?.creationTimestamp) ?? 0)
  return (left ?? 0) - (right ?? 0)
}
