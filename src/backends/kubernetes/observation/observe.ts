import type { Observation } from '../../../job/state/observation.ts'
import type { HeardWord } from '../../../job/word/heard-word.ts'
import { defined } from '../../../util/objects.ts'
import { type KubernetesJob, timeOf } from '../api/objects.ts'
import type { CachedRescue } from '../cache/rescue-cache.ts'
import { begunAtOf, isCreating, requestOfJob, stopOf, waitingOf } from '../job-metadata.ts'
import { rescueOf } from '../operations/rescue.ts'
import { attemptOf } from './attempt.ts'
import { blockedByStatus } from './blocked.ts'
import {
  attemptNumber,
  disruptionsOf,
  earlierTimes,
  newestPodOf,
  ownFailures,
  ownFailuresSeen,
  shownPod,
} from './disruptions.ts'
import { heldCause } from './held.ts'
import { isDisruptionTarget } from './interruption.ts'
import { isOwedAttempt } from './owed-attempt.ts'
import { type CachedPod, hasEnded } from './pod-state.ts'
import { workerStatus } from './pod-steps.ts'

/**
 * The state of a job in the cluster: its Job, its pods (deleted ones in their last state), its
 * rescue and its diagnosis.
 */
export interface JobObjects extends Pick<Observation, 'blocked' | 'progress' | 'uploaded'> {
  job: KubernetesJob
  pods: readonly CachedPod[]
  /** Pods that run beside an attempt and are none (excessPods). */
  excess?: readonly CachedPod[]
  /** All pods were listed for the Job's current state (podsKey): none is missing. */
  podsKnown?: boolean
  rescue?: CachedRescue
  /** The last word of a pod's worker, with the pod's UID. */
  word?: { pod: string; heard: HeardWord }
}

/** The observation of one job. Pure. */
export function observe(seen: JobObjects): Observation {
  const { job, pods, excess = [], blocked: noticed, progress, uploaded, podsKnown, word } = seen
  const shown = shownPod(job, pods)
  const attempt = shown && attemptOf(shown, attemptNumber(job, pods, shown), job)
  const deletedAt = timeOf(job.metadata?.deletionTimestamp)
  const stop = stopOf(job)
  const waiting = waitingOf(job)
  const ended = endOf(job, pods)
  const blocked = attempt?.ended ? undefined : ((shown && blockedByStatus(shown.pod)) ?? noticed)
  const disruptions = disruptionsOf(job, pods)
  const earlier = earlierTimes(job, pods, shown)
  const lingering = excess.length > 0 || pods.some((one) => one !== shown && !hasEnded(one))
  const isLast = ended !== undefined && shown === newestPodOf(pods)
  const rescue = rescueOf(job, shown, isLast, seen.rescue)
  const heard = word?.pod === attempt?.uid ? word?.heard : undefined
  const incomplete = mayLackPods(job, pods) && !(podsKnown && getsNoMorePods(job))
  return {
    createdAt: timeOf(job.metadata?.creationTimestamp) ?? 0,
    suspended: job.spec?.suspend === true && !isCreating(job) && waiting === undefined,
    ...defined({ waiting, begunAt: begunAtOf(job) }),
    failedAttempts: ownFailures(job, pods),
    ...(disruptions.length > 0 && { disruptions }),
    ...(earlier.length > 0 && { earlier }),
    ...(incomplete && { incomplete }),
    ...defined({ stop, deletedAt, ended, attempt }),
    ...(lingering && { lingering }),
    ...defined({ rescue, blocked, heard, held: shown && heard && heldOf(shown, heard, job) }),
    ...(!attempt?.ended && defined({ progress, uploaded })),
  }
}

/** The request is parsed of a job that says so alone. */
function heldOf({ pod }: CachedPod, heard: HeardWord, job: KubernetesJob) {
  return heard.word.held && heldCause(pod, heard, requestOfJob(job))
}

/**
 * True if an ending Job's status counts pods that our pod watch has not delivered yet: it may be
 * seconds behind the watch of Jobs after both had to begin again.
 */
export function mayLackPods(job: KubernetesJob, pods: readonly CachedPod[]): boolean {
  if (stopOf(job) === undefined && !getsNoMorePods(job)) return false
  const seen = pods.filter((one) => hasEnded(one) && !isDisruptionTarget(one.pod))
  return pods.length === 0 || countedPods(job) > seen.length
}

export function getsNoMorePods({ metadata, status }: KubernetesJob): boolean {
  return metadata?.deletionTimestamp !== undefined || finalOf(status).length > 0
}

/** Identifies the state of a Job as far as it concerns the number of its pods. */
export function podsKey(job: KubernetesJob): string {
  return `${job.metadata?.uid} ${countedPods(job)} ${job.metadata?.deletionTimestamp}`
}

/** Without disrupted pods, unless they succeeded. */
function countedPods({ status }: KubernetesJob): number {
  return (status?.failed ?? 0) + (status?.succeeded ?? 0)
}

/** Of a Job that failed since its pods did, and not by a deadline or for another client's rule. */
function isOutOfRetries({ type, reason }: { type: string; reason?: string }): boolean {
  return (type === 'Failed' || type === 'FailureTarget') && reason === 'BackoffLimitExceeded'
}

const finalConditions = new Set(['Complete', 'SuccessCriteriaMet', 'Failed', 'FailureTarget'])

/**
 * When the Job ended by its conditions, or by its pods: the Job controller sets the conditions only
 * seconds after the last pod's end.
 */
export function endOf(job: KubernetesJob, pods: readonly CachedPod[]): Observation['ended'] {
  const final = finalOf(job.status)
  const times = final.map((one) => timeOf(one.lastTransitionTime) ?? 0)
  // The API makes another Job, or stops this one after too many disruptions.
  if (final.every(isOutOfRetries) && isOwedAttempt(job, pods) && !hasSucceeded(pods)) return undefined
  if (times.length > 0) return { at: Math.min(...times) }
  // A Job that is being deleted gets no more pods, and our own stop deletes it.
  const endedAt = stopOf(job)?.at ?? timeOf(job.metadata?.deletionTimestamp)
  if (endedAt !== undefined) return { at: endedAt }
  const newest = newestPodOf(pods)
  const end = newest && workerStatus(newest.pod)?.state?.terminated
  if (newest === undefined || end === undefined) return undefined
  return isLast(job, pods, newest, end.exitCode) ? { at: timeOf(end.finishedAt) ?? 0 } : undefined
}

/** Whether Kubernetes makes no other pod after this one, whose worker has ended. */
function isLast(
  job: KubernetesJob,
  pods: readonly CachedPod[],
  newest: CachedPod,
  exitCode: number,
): boolean {
  const disrupted = isDisruptionTarget(newest.pod)
  // A pod that its kubelet evicts has failed, whatever its worker's exit code.
  if (exitCode === 0) return !(disrupted && newest.pod.status?.phase === 'Failed')
  if (disrupted || !hasEnded(newest)) return false
  // Not the Job's own count: it may include a later pod that no watch has shown yet.
  return ownFailuresSeen(pods) > (job.spec?.backoffLimit ?? 0)
}

function hasSucceeded(pods: readonly CachedPod[]): boolean {
  const newest = newestPodOf(pods)
  return newest !== undefined && workerStatus(newest.pod)?.state?.terminated?.exitCode === 0
}

function finalOf(status: KubernetesJob['status']) {
  return (status?.conditions ?? []).filter((one) => one.status === 'True' && finalConditions.has(one.type))
}
