import { type KubernetesJob, type Pod, timeOf } from '../api/objects.ts'
import { jobUidOf } from '../cache/prune-objects.ts'
import { trackingFinalizer } from '../names.ts'
import { deletionOf, lastSignOf } from './interruption.ts'
import { type CachedPod, hasEnded, isTerminal, uploaderStatus } from './pod-state.ts'

/**
 * The pods that another pod of the same Job stands for. A Job controller that does not hear that
 * its pod was made (the API server was killed meanwhile) makes another one, and deletes one of the
 * two as soon as it sees both. It does not count that pod, which is therefore no attempt.
 *
 * kubernetes, pkg/controller/job/job_controller.go: deleteJobPods() takes the tracking finalizer
 * from a pod too many before it deletes it; every other pod keeps it until its end is counted.
 */
export function excessPods(pods: readonly CachedPod[]): ReadonlySet<CachedPod> {
  if (pods.length < 2) return none
  return new Set(pods.filter((one) => pods.some((other) => yieldsTo(one, other))))
}

/**
 * Whether Kubernetes counts a pod too many as a failure all the same: it deletes every pod of a Job
 * that has failed.
 */
export function isCountedExcess(seen: CachedPod, { status }: KubernetesJob): boolean {
  const failed = status?.conditions?.filter((one) => one.status === 'True' && failures.has(one.type)) ?? []
  const failedAt = Math.min(...failed.map((one) => timeOf(one.lastTransitionTime) ?? 0))
  return hasEnded(seen) && deletedAt(seen) >= failedAt
}

const failures = new Set(['Failed', 'FailureTarget'])

/** DefaultJobPodFailureBackOff: a next attempt is made so long after the end of the one before. */
const leastBackoff = 10_000
const none: ReadonlySet<CachedPod> = new Set()

function yieldsTo(one: CachedPod, other: CachedPod): boolean {
  if (one === other || jobUidOf(one.pod) !== jobUidOf(other.pod)) return false
  const [standing, others] = [standingOf(one), standingOf(other)]
  // A failure counts, and the pod beside it is the next attempt.
  if (standing === 'failed' || (others === 'failed' && standing === 'active')) return false
  const places = order.indexOf(standing) - order.indexOf(others)
  return (places || kept(one, other, standing)) < 0 && overlap(one, other)
}

type Standing = 'thrown-away' | 'deleted' | 'failed' | 'active' | 'succeeded'
const order: readonly Standing[] = ['thrown-away', 'deleted', 'failed', 'active', 'succeeded']

function standingOf({ pod, goneAt }: CachedPod): Standing {
  const { phase } = pod.status ?? {}
  const deletion = deletionOf(pod)
  const isDeleted = deletion !== undefined
  if (phase === 'Succeeded' && (!isDeleted || deletion > storedAt(pod) + 1000)) return 'succeeded'
  if (phase === 'Failed' && !isDeleted) return 'failed'
  if (!isTracked(pod) || (goneAt !== undefined && !isDeleted)) return 'thrown-away'
  return isDeleted || goneAt !== undefined ? 'deleted' : 'active'
}

/** When its last container ended. */
function storedAt(pod: Pod): number {
  return Math.max(lastSignOf(pod), timeOf(uploaderStatus(pod)?.state?.terminated?.finishedAt) ?? 0)
}

/** Whether the later one was made before the other had ended: a Job makes its attempts in turn. */
function overlap(one: CachedPod, other: CachedPod): boolean {
  const [first, second] = createdAt(one.pod) <= createdAt(other.pod) ? [one, other] : [other, one]
  const { pod } = first
  if (pod.status?.phase === 'Succeeded' || !hasEnded(first)) return true
  // Both are the API server's times in whole seconds.
  const deletion = deletionOf(pod)
  if (deletion !== undefined) return createdAt(second.pod) <= deletion
  // Its end was not seen.
  if (!isTerminal(pod)) return createdAt(second.pod) < createdAt(pod) + leastBackoff
  return createdAt(second.pod) <= storedAt(pod)
}

/** Below 0 if the other one stands for the attempt; that which the Job controller deletes does not. */
function kept(one: CachedPod, other: CachedPod, standing: Standing): number {
  const byAge = createdAt(other.pod) - createdAt(one.pod) || byName(other.pod, one.pod)
  if (standing === 'succeeded') return storedAt(other.pod) - storedAt(one.pod) || byAge
  if (standing === 'active') return activePods(one.pod, other.pod) || byAge
  return deletedAt(one) - deletedAt(other) || byAge
}

function deletedAt({ pod, goneAt }: CachedPod): number {
  return deletionOf(pod) ?? goneAt ?? Number.MAX_SAFE_INTEGER
}

/** kubernetes, pkg/controller/controller_utils.go: ActivePods.Less(), without the age. */
function activePods(one: Pod, other: Pod): number {
  const by = (value: (pod: Pod) => number) => value(one) - value(other)
  return (
    by(({ spec }) => (spec?.nodeName === undefined ? 0 : 1)) ||
    by(({ status }) => phases.indexOf(status?.phase ?? '')) ||
    by((pod) => (readySince(pod) === undefined ? 0 : 1)) ||
    (readySince(other) ?? 0) - (readySince(one) ?? 0) ||
    restartsOf(other) - restartsOf(one)
  )
}

const phases = ['Pending', 'Unknown', 'Running']

function readySince({ status }: Pod): number | undefined {
  const ready = status?.conditions?.find((one) => one.type === 'Ready' && one.status === 'True')
  return ready && (timeOf(ready.lastTransitionTime) ?? 0)
}

/** Of its sidecars, then of its other containers: the most. */
function restartsOf({ status }: Pod): number {
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {}
  return Math.max(0, ...[...initContainerStatuses, ...containerStatuses].map((one) => one.restartCount))
}

function isTracked({ metadata }: Pod): boolean {
  return metadata?.finalizers?.includes(trackingFinalizer) === true
}

function createdAt({ metadata }: Pod): number {
  return timeOf(metadata?.creationTimestamp) ?? 0
}

function byName(a: Pod, b: Pod): number {
  const [first = '', second = ''] = [a.metadata?.name, b.metadata?.name]
  return first < second ? -1 : Number(first > second)
}
