import type { Observation } from '../job/observation.ts'
import { attemptOf, hasEnded, type SeenPod, workerStatus } from './attempt.ts'
import { blockedByStatus } from './blocked.ts'
import { attemptNumber, disruptionsOf, newestOf, ownFailuresSeen, shownPod } from './disruptions.ts'
import { isDisruptionTarget } from './interruption.ts'
import { isCreating, stopOf } from './marks.ts'
import { type Job, timeOf } from './objects.ts'
import { rescueOf } from './rescue.ts'
import type { SeenRescue } from './rescue-cache.ts'

/** What is known of a job: its Job, its pods (those that are gone included, as they were last), what else was noticed. */
export interface Seen extends Pick<Observation, 'blocked' | 'progress' | 'uploaded'> {
  job: Job
  pods: readonly SeenPod[]
  /** All pods were asked for since the Job has been as it is (podsKey): none is missing. */
  podsKnown?: boolean
  rescue?: SeenRescue
}

/** What a backend shows of one job; a pure function of what was seen. */
export function observe(seen: Seen): Observation {
  const { job, pods, blocked: noticed, progress, uploaded, podsKnown, rescue: seenRescue } = seen
  const shown = shownPod(job, pods)
  const attempt = shown && attemptOf(shown, attemptNumber(job, pods, shown), job)
  const deletedAt = timeOf(job.metadata?.deletionTimestamp)
  const stop = stopOf(job)
  const ended = endOf(job, pods)
  const blocked = attempt?.ended ? undefined : ((shown && blockedByStatus(shown.pod)) ?? noticed)
  const disruptions = disruptionsOf(job, pods)
  const lingering = pods.some((one) => one !== shown && !hasEnded(one))
  const isLast = ended !== undefined && shown === newestOf(pods)
  const rescue = rescueOf(job, shown, isLast, seenRescue)
  const incomplete = mayLackPods(job, pods) && !(podsKnown && getsNoMorePods(job))
  return {
    createdAt: timeOf(job.metadata?.creationTimestamp) ?? 0,
    suspended: job.spec?.suspend === true && !isCreating(job),
    failedAttempts: Math.max(job.status?.failed ?? 0, ownFailuresSeen(pods)),
    ...(disruptions.length === 0 ? {} : { disruptions }),
    ...(incomplete ? { incomplete } : {}),
    ...(stop === undefined ? {} : { stop }),
    ...(deletedAt === undefined ? {} : { deletedAt }),
    ...(ended === undefined ? {} : { ended }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(lingering ? { lingering } : {}),
    ...(rescue === undefined ? {} : { rescue }),
    ...(blocked === undefined ? {} : { blocked }),
    ...(progress === undefined || attempt?.ended ? {} : { progress }),
    ...(uploaded === undefined || attempt?.ended ? {} : { uploaded }),
  }
}

/**
 * Whether a Job that is to end tells of pods that were not seen: the watch of pods may be behind the one of Jobs, by
 * seconds where each of them has to be begun again.
 */
export function mayLackPods(job: Job, pods: readonly SeenPod[]): boolean {
  if (stopOf(job) === undefined && !getsNoMorePods(job)) return false
  const seen = pods.filter((one) => hasEnded(one) && !isDisruptionTarget(one.pod))
  return pods.length === 0 || countedPods(job) > seen.length
}

export function getsNoMorePods({ metadata, status }: Job): boolean {
  return metadata?.deletionTimestamp !== undefined || finalOf(status).length > 0
}

/** How far a Job is, as to its pods. */
export function podsKey(job: Job): string {
  return `${job.metadata?.uid} ${countedPods(job)} ${job.metadata?.deletionTimestamp}`
}

/** Disrupted ones are not among them, unless they succeeded. */
function countedPods({ status }: Job): number {
  return (status?.failed ?? 0) + (status?.succeeded ?? 0)
}

const finalConditions = new Set(['Complete', 'SuccessCriteriaMet', 'Failed', 'FailureTarget'])

/**
 * When the Job controller's last word was spoken, or follows from what is seen already: it sets its conditions
 * only seconds after the pod's end.
 */
export function endOf(job: Job, pods: readonly SeenPod[]): Observation['ended'] {
  const times = finalOf(job.status).map((one) => timeOf(one.lastTransitionTime) ?? 0)
  if (times.length > 0) return { at: Math.min(...times) }
  // A Job that is being deleted gets no more pods, and our own stop deletes it.
  const endedAt = stopOf(job)?.at ?? timeOf(job.metadata?.deletionTimestamp)
  if (endedAt !== undefined) return { at: endedAt }
  const newest = newestOf(pods)
  const end = newest && workerStatus(newest.pod)?.state?.terminated
  if (newest === undefined || end === undefined) return undefined
  return isLast(job, pods, newest, end.exitCode) ? { at: timeOf(end.finishedAt) ?? 0 } : undefined
}

/** Whether Kubernetes replaces a pod with no other one, now that its worker has ended. */
function isLast(job: Job, pods: readonly SeenPod[], newest: SeenPod, exitCode: number): boolean {
  const disrupted = isDisruptionTarget(newest.pod)
  // A pod that its kubelet evicts has failed, whatever its worker says.
  if (exitCode === 0) return !(disrupted && newest.pod.status?.phase === 'Failed')
  if (disrupted || !hasEnded(newest)) return false
  // Not what the Job has counted: a later pod, not seen yet, may be among these.
  return ownFailuresSeen(pods) > (job.spec?.backoffLimit ?? 0)
}

function finalOf(status: Job['status']) {
  return (status?.conditions ?? []).filter((one) => one.status === 'True' && finalConditions.has(one.type))
}
