import type { AttemptId } from '../../../job/backend.ts'
import { timesOfEarlier } from '../../../job/history/attempt-times.ts'
import { lastDisruption } from '../../../job/state/disruption.ts'
import type { AttemptTimes, Disruption } from '../../../job/state/observation.ts'
import type { Api } from '../api/api.ts'
import { type KubernetesJob, type Pod, timeOf } from '../api/objects.ts'
import { hasStatus } from '../api/status-error.ts'
import { recordedDisruptions, stopOf } from '../job-metadata.ts'
import { annotations } from '../names.ts'
import { attemptOf } from './attempt.ts'
import { disruptionOf, isCountedDisruption, isDisruptionTarget, lastSignOf } from './interruption.ts'
import { type CachedPod, hasEnded, hasFailed, isTerminal } from './pod-state.ts'
import { workerStatus } from './pod-steps.ts'

/** All disruptions of a job's pods, with those that only its Job records; oldest first. */
export function disruptionsOf(job: KubernetesJob, pods: readonly CachedPod[]): Disruption[] {
  const found = new Map(recordedDisruptions(job).map((one) => [one.attempt, one]))
  for (const seen of pods) {
    const uid = uidOf(seen)
    const disruption = disruptionOf(seen.pod)
    if (disruption !== undefined && (isGoing(seen) || isCountedDisruption(seen.pod))) {
      const { running, terminated } = workerStatus(seen.pod)?.state ?? {}
      // Of a container that never started, the kubelet writes null, and containerd 1970.
      const started = Boolean(timeOf((running ?? terminated)?.startedAt))
      const number = attemptNumber(job, pods, seen)
      // A failed pod may be deleted as a disrupted one later.
      const counted = isCountedDisruption(seen.pod) || found.get(uid)?.counted === true
      found.set(uid, { attempt: uid, number, started, ...disruption, ...(counted && { counted }) })
    }
    // It succeeded before its end: Kubernetes does not replace it.
    if (seen.pod.status?.phase === 'Succeeded') found.delete(uid)
  }
  return [...found.values()].sort((a, b) => a.number - b.number)
}

/** The disruptions that the Job does not record yet. */
export function unrecordedDisruptions(job: KubernetesJob, pods: readonly CachedPod[]): Disruption[] {
  const recorded = new Set(recordedDisruptions(job).map(({ attempt }) => attempt))
  return disruptionsOf(job, pods).filter(({ attempt }) => !recorded.has(attempt))
}

/**
 * Records disruptions in the Job; recorded ones stay as they are. Resolves with the Job, undefined
 * if it is gone.
 */
export async function recordDisruptions(
  api: Api,
  { metadata: { name = '', uid = '' } = {} }: KubernetesJob,
  disruptions: readonly Disruption[],
): Promise<KubernetesJob | undefined> {
  for (;;) {
    const job = await api.jobs.get(name)
    if (job === undefined || job.metadata?.uid !== uid) return undefined
    const standing = recordedDisruptions(job)
    const known = new Set(standing.map(({ attempt }) => attempt))
    const missing = disruptions.filter(({ attempt }) => !known.has(attempt))
    if (missing.length === 0) return job
    const { resourceVersion } = job.metadata
    const all = JSON.stringify([...standing, ...missing])
    try {
      return await api.jobs.merge(name, {
        metadata: { uid, resourceVersion, annotations: { [annotations.disruptions]: all } },
      })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}

/**
 * The pod of the attempt that the job shows: the attempt whose end decided the job, else the
 * newest.
 */
export function shownPod(job: KubernetesJob, pods: readonly CachedPod[]): CachedPod | undefined {
  const stop = stopOf(job)
  const decisive = stop ? stop.attempt : lastDisruption(disruptionsOf(job, pods))?.attempt
  return decisive === undefined ? newestPodOf(pods) : pods.find((seen) => uidOf(seen) === decisive)
}

/** The attempts before the one shown: those with a pod, and those that only the Job records. */
export function earlierAttempts(job: KubernetesJob, pods: readonly CachedPod[]): AttemptId[] {
  const shown = shownPod(job, pods)
  const last = shown === undefined ? Number.POSITIVE_INFINITY : attemptNumber(job, pods, shown)
  const found = new Map<number, string>()
  for (const { number, attempt } of recordedDisruptions(job)) found.set(number, attempt)
  for (const pod of pods) found.set(attemptNumber(job, pods, pod), uidOf(pod))
  return Array.from(found, ([number, uid]) => ({ number, uid }))
    .filter(({ number }) => number < last)
    .sort((a, b) => a.number - b.number)
}

/** The times of the attempts beside the one shown, as far as their pods are known. */
export function earlierTimes(
  job: KubernetesJob,
  pods: readonly CachedPod[],
  shown: CachedPod | undefined,
): AttemptTimes[] {
  if (pods.length < 2) return []
  return pods
    .filter((one) => one !== shown && hasEnded(one))
    .map((one) => timesOfEarlier(attemptOf(one, attemptNumber(job, pods, one), job)))
}

export function newestPodOf(pods: readonly CachedPod[]): CachedPod | undefined {
  return pods.toSorted(inOrder).at(-1)
}

/**
 * From 1 on, another one for each pod. A recorded disruption keeps its number. The others take the
 * remaining numbers in order, after as many as there are failures of pods that are gone.
 */
export function attemptNumber(job: KubernetesJob, pods: readonly CachedPod[], seen: CachedPod): number {
  const recorded = recordedDisruptions(job)
  const known = recorded.find(({ attempt }) => attempt === uidOf(seen))
  if (known !== undefined) return known.number
  const recordedUids = new Set(recorded.map(({ attempt }) => attempt))
  const earlier = pods.filter((one) => !recordedUids.has(uidOf(one)) && inOrder(one, seen) < 0)
  const seenUids = new Set(pods.map(uidOf))
  const gone = recorded.filter(({ attempt, counted }) => counted && !seenUids.has(attempt)).length
  const unseen = Math.max(0, (job.status?.failed ?? 0) - ownFailuresSeen(pods) - gone)
  const taken = new Set(recorded.map(({ number }) => number))
  let number = 0
  for (let free = 0; free <= earlier.length + unseen; ) if (!taken.has(++number)) free++
  return number
}

/** Number of failures that Kubernetes counts as the job's own though the machine failed. */
export function countedDisruptions(job: KubernetesJob, pods: readonly CachedPod[]): number {
  return disruptionsOf(job, pods).filter(({ counted }) => counted).length
}

/** Number of failures that Kubernetes counts, without those that the machine is to blame for. */
export function ownFailures(job: KubernetesJob, pods: readonly CachedPod[]): number {
  const all = Math.max(job.status?.failed ?? 0, ownFailuresSeen(pods))
  return Math.max(0, all - countedDisruptions(job, pods))
}

/** Number of pods that failed without a disruption: Kubernetes counts these alone. */
export function ownFailuresSeen(pods: readonly CachedPod[]): number {
  return pods.filter((seen) => hasFailed(seen) && !isDisruptionTarget(seen.pod)).length
}

/**
 * The condition alone is not enough: it is taken back if the eviction is refused. A start that failed
 * is final at once, while the uploader may still store what earlier steps left.
 */
function isGoing({ pod, goneAt }: CachedPod): boolean {
  return goneAt !== undefined || pod.metadata?.deletionTimestamp !== undefined || isTerminal(pod)
}

/**
 * A pod that failed comes before one that runs or succeeded: if both were made at once (excessPods),
 * the Job goes on with the other. Kubernetes gives creation times in whole seconds. Of two pods of
 * one second, the earlier one ended first, since the later one was created after its end
 * (podReplacementPolicy).
 */
function inOrder(a: CachedPod, b: CachedPod): number {
  const byTime = rankOf(a) - rankOf(b) || createdAt(a) - createdAt(b) || endedAt(a) - endedAt(b)
  return byTime || (nameOf(a) < nameOf(b) ? -1 : Number(nameOf(a) > nameOf(b)))
}

function rankOf(seen: CachedPod): number {
  if (seen.pod.status?.phase === 'Succeeded') return 2
  return hasEnded(seen) ? 0 : 1
}

function endedAt(seen: CachedPod): number {
  return hasEnded(seen) ? lastSignOf(seen.pod) : Number.MAX_SAFE_INTEGER
}

function nameOf({ pod }: CachedPod): string {
  return pod.metadata?.name ?? ''
}

function createdAt({ pod }: { pod: Pod }): number {
  return timeOf(pod.metadata?.creationTimestamp) ?? 0
}

function uidOf({ pod }: CachedPod): string {
  return pod.metadata?.uid ?? ''
}
