import type { Cause } from '../../../job/job.ts'
import { isPointlessToRepeat } from '../../../job/state/disruption.ts'
import { type KubernetesJob, type Pod, timeOf } from '../api/objects.ts'
import { stopOf } from '../job-metadata.ts'
import { volumes } from '../names.ts'
import type { CachedPod } from './pod-state.ts'
import { workerStatus } from './pod-steps.ts'
import { startFailure } from './start-failure.ts'

type Interruption = Cause & { at: number }

/**
 * When and why a pod's end was requested, other than by the API. Undefined if the API's stop or the
 * deletion of the Job came first: then these tell the reason.
 */
export function interruptionOf(seen: CachedPod, job: KubernetesJob): Interruption | undefined {
  const found = findInterruption(seen, job)
  const stop = stopOf(job)
  // Whole seconds: the deletion of the pod by the stop may appear to precede the stop.
  return stop !== undefined && found !== undefined && found.at + 1000 > stop.at ? undefined : found
}

function findInterruption({ pod, goneAt }: CachedPod, job: KubernetesJob): Interruption | undefined {
  const deletedAt = deletionOf(pod)
  const disruption = disruptionOf(pod)
  if (disruption !== undefined) return disruption
  if (pod.status?.reason === 'Evicted') return { ...eviction(pod), at: deletedAt ?? lastSignOf(pod) }
  if (deletedAt !== undefined) return deletion(job, deletedAt)
  const vanished = goneAt !== undefined && !hasFinished(pod)
  return vanished ? deletion(job, goneAt) : undefined
}

/**
 * Why the platform ended a pod, whatever the API decided: either another attempt follows that does
 * not count for `retries`, or another attempt would end in the same way.
 */
export function disruptionOf(pod: Pod): Interruption | undefined {
  const condition = disruptionTarget(pod)
  const evicted = pod.status?.reason === 'Evicted' ? eviction(pod) : undefined
  if (condition === undefined) {
    // The pod exceeded a limit of its own (kubelet: localStorageEviction).
    if (evicted && isPointlessToRepeat(evicted)) return { ...evicted, at: lastSignOf(pod) }
    return failedStart(pod)
  }
  const cause = evicted ?? disrupted(condition.reason ?? '', condition.message ?? '', pod)
  return { ...cause, at: timeOf(condition.lastTransitionTime) ?? lastSignOf(pod) }
}

/** Whether the disruption is one that Kubernetes counts as a failure of the job's own. */
export function isCountedDisruption(pod: Pod): boolean {
  return !isDisruptionTarget(pod) && startFailure(pod) !== undefined
}

/** Not of a pod that was to end anyway: its deletion breaks a start off as well. */
function failedStart(pod: Pod): Interruption | undefined {
  const cause = startFailure(pod)
  if (cause === undefined) return undefined
  const at = lastSignOf(pod)
  const deletedAt = deletionOf(pod)
  return deletedAt !== undefined && deletedAt <= at + 1000 ? undefined : { ...cause, at }
}

/**
 * Whether Kubernetes replaces the pod, once it has failed, without counting it (podFailurePolicy).
 */
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
    ? { reason: 'StorageFull', message: `${message} ${ephemeralStorageHint}` }
    : { reason: 'Evicted', message }
}

/**
 * kubelet: pkg/kubelet/eviction/helpers.go, containerEphemeralStorageMessageFmt and
 * podEphemeralStorageMessageFmt.
 */
const isOverLimit = /exceeded its local ephemeral storage limit|exceeds the total limit of containers/
const ephemeralStorageHint =
  '`ephemeral_storage`, or a LimitRange of the namespace, sets this limit for all files that a pod writes on its node. Results count too, unless ' +
  '`result_storage_class` puts them on a volume claim.'

/** https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions */
function disrupted(reason: string, text: string, pod: Pod): Cause {
  const message = `${reason}: ${text}`
  if (pod.status?.reason === 'NodeLost') return { reason: 'NodeLost', message: pod.status.message ?? message }
  if (reason === 'DeletionByPodGC') return { reason: 'NodeLost', message }
  if (reason === 'EvictionByEvictionAPI') return { reason: 'Evicted', message }
  return { reason: 'Interrupted', message }
}

function deletion(job: KubernetesJob, at: number): Interruption | undefined {
  const jobDeletedAt = timeOf(job.metadata?.deletionTimestamp)
  if (jobDeletedAt !== undefined && jobDeletedAt <= at + 1000) return undefined
  if (job.spec?.suspend === true) {
    return { reason: 'Suspended', message: 'the Job was suspended in the cluster, which ends its pod', at }
  }
  return { reason: 'PodDeleted', message: 'the pod was deleted in the cluster', at }
}

/** When the deletion was requested: the timestamp is the end of its grace. */
export function deletionOf(pod: Pod): number | undefined {
  const over = timeOf(pod.metadata?.deletionTimestamp)
  return over === undefined ? undefined : over - (pod.metadata?.deletionGracePeriodSeconds ?? 0) * 1000
}

/** The last end of a container; undefined if a step is still to come. */
function endOf(pod: Pod): number | undefined {
  const worker = workerStatus(pod)
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(worker ? [worker] : [])]
  const ends = statuses.flatMap((one) => timeOf(one.state?.terminated?.finishedAt) ?? [])
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/**
 * When its containers ended, else its last change: a pod evicted in its first seconds may show no
 * containers.
 */
export function lastSignOf(pod: Pod): number {
  const changes = pod.status?.conditions?.flatMap((one) => timeOf(one.lastTransitionTime) ?? []) ?? []
  return endOf(pod) ?? Math.max(timeOf(pod.metadata?.creationTimestamp) ?? 0, ...changes)
}

function hasFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || endOf(pod) !== undefined
}
