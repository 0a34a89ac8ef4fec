import { isPointlessToRepeat } from '../job/disruption.ts'
import type { Cause } from '../job/job.ts'
import type { SeenPod } from './attempt.ts'
import { stopOf } from './marks.ts'
import { volumes } from './names.ts'
import { type Job, type Pod, timeOf } from './objects.ts'

type Interruption = Cause & { at: number }

/**
 * When and why somebody else than the API asked for a pod's end. Where the API had decided to stop the job before,
 * or where the Job's deletion came first, those say it.
 */
export function interruptionOf(seen: SeenPod, job: Job): Interruption | undefined {
  const found = findInterruption(seen, job)
  const stop = stopOf(job)
  // Whole seconds: the stop's own deletion of the pod may seem to have come before it.
  return stop !== undefined && found !== undefined && found.at + 1000 > stop.at ? undefined : found
}

function findInterruption({ pod, goneAt }: SeenPod, job: Job): Interruption | undefined {
  const deletedAt = deletionOf(pod)
  const disruption = disruptionOf(pod)
  if (disruption !== undefined) return disruption
  if (pod.status?.reason === 'Evicted') return { ...eviction(pod), at: deletedAt ?? lastSignOf(pod) }
  if (deletedAt !== undefined) return deletion(job, deletedAt)
  const vanished = goneAt !== undefined && !hasFinished(pod)
  return vanished ? deletion(job, goneAt) : undefined
}

/**
 * What the platform ended a pod for, whatever the API decided, where another attempt follows that `retries` didn't
 * ask for, or that would end the same way.
 */
export function disruptionOf(pod: Pod): Interruption | undefined {
  const condition = disruptionTarget(pod)
  const evicted = pod.status?.reason === 'Evicted' ? eviction(pod) : undefined
  if (condition === undefined) {
    // A limit of the pod's own that was exceeded (kubelet: localStorageEviction).
    return evicted && isPointlessToRepeat(evicted) ? { ...evicted, at: lastSignOf(pod) } : undefined
  }
  const cause = evicted ?? disrupted(condition.reason ?? '', condition.message ?? '', pod)
  return { ...cause, at: timeOf(condition.lastTransitionTime) ?? lastSignOf(pod) }
}

/** Whether Kubernetes replaces the pod, once it has failed, without counting it (podFailurePolicy). */
export function isDisruptionTarget(pod: Pod): boolean {
  return disruptionTarget(pod) !== undefined
}

function disruptionTarget(pod: Pod) {
  return pod.status?.conditions?.find((one) => one.type === 'DisruptionTarget' && one.status === 'True')
}

function eviction(pod: Pod): Cause {
  const message = pod.status?.message?.trim() || 'the node evicted the pod'
  if (message.includes(`EmptyDir volume "${volumes.results}"`)) {
    return { reason: 'StorageFull', message: `${message} Ask for more with \`result_storage\`.` }
  }
  return isOverLimit.test(message)
    ? { reason: 'StorageFull', message: `${message} ${aboutLimits}` }
    : { reason: 'Evicted', message }
}

/** kubelet: pkg/kubelet/eviction/helpers.go, containerEphemeralStorageMessageFmt and podEphemeralStorageMessageFmt. */
const isOverLimit = /exceeded its local ephemeral storage limit|exceeds the total limit of containers/
const aboutLimits =
  'A LimitRange of the namespace sets that limit. All that a pod writes on its node counts, its results too, unless ' +
  'they are on a volume claim (`result_storage_class`).'

/** https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
function disrupted(reason: string, text: string, pod: Pod): Cause {
  const message = `${reason}: ${text}`
  if (pod.status?.reason === 'NodeLost') return { reason: 'NodeLost', message: pod.status.message ?? message }
  if (reason === 'DeletionByPodGC') return { reason: 'NodeLost', message }
  if (reason === 'EvictionByEvictionAPI') return { reason: 'Evicted', message }
  return { reason: 'Interrupted', message }
}

function deletion(job: Job, at: number): Interruption | undefined {
  const jobDeletedAt = timeOf(job.metadata?.deletionTimestamp)
  if (jobDeletedAt !== undefined && jobDeletedAt <= at + 1000) return undefined
  if (job.spec?.suspend === true) {
    return { reason: 'Suspended', message: 'somebody suspended the Job, which ends its pod', at }
  }
  return { reason: 'PodDeleted', message: 'somebody deleted the pod', at }
}

/** When a deletion was asked for: the timestamp says when its grace is over. */
export function deletionOf(pod: Pod): number | undefined {
  const over = timeOf(pod.metadata?.deletionTimestamp)
  return over === undefined ? undefined : over - (pod.metadata?.deletionGracePeriodSeconds ?? 0) * 1000
}

/** The last end of those of its containers that have ended. */
function endOf(pod: Pod): number | undefined {
  const statuses = pod.status?.containerStatuses ?? []
  const ends = statuses.flatMap((one) => timeOf(one.state?.terminated?.finishedAt) ?? [])
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/** When its containers ended; a pod that was evicted in its first seconds may show no containers at all (tried). */
function lastSignOf(pod: Pod): number {
  const changes = pod.status?.conditions?.flatMap((one) => timeOf(one.lastTransitionTime) ?? []) ?? []
  return endOf(pod) ?? Math.max(timeOf(pod.metadata?.creationTimestamp) ?? 0, ...changes)
}

function hasFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || endOf(pod) !== undefined
}
