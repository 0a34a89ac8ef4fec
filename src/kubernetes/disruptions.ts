import { lastDisruption } from '../job/disruption.ts'
import type { Disruption } from '../job/observation.ts'
import type { Api } from './api.ts'
import { hasFailed, isTerminal, type SeenPod, workerStatus } from './attempt.ts'
import { disruptionOf, isDisruptionTarget } from './interruption.ts'
import { recordedDisruptions, stopOf } from './marks.ts'
import { annotations } from './names.ts'
import { type Job, type Pod, timeOf } from './objects.ts'
import { hasStatus } from './status-error.ts'

/** All disruptions of a job's pods, those included that only its Job remembers; oldest first. */
export function disruptionsOf(job: Job, pods: readonly SeenPod[]): Disruption[] {
  const found = new Map(recordedDisruptions(job).map((one) => [one.attempt, one]))
  for (const seen of pods) {
    const uid = uidOf(seen)
    const disruption = disruptionOf(seen.pod)
    if (disruption !== undefined && isGoing(seen)) {
      const { running, terminated } = workerStatus(seen.pod)?.state ?? {}
      // Of a container that never started, the kubelet writes null.
      const started = timeOf((running ?? terminated)?.startedAt) !== undefined
      const number = attemptNumber(job, pods, seen)
      found.set(uid, { attempt: uid, number, started, ...disruption })
    }
    // It did its work in time, and Kubernetes replaces it with no other.
    if (seen.pod.status?.phase === 'Succeeded') found.delete(uid)
  }
  return [...found.values()].sort((a, b) => a.number - b.number)
}

/** Those that are not yet written down on the Job. */
export function unrecordedDisruptions(job: Job, pods: readonly SeenPod[]): Disruption[] {
  const recorded = new Set(recordedDisruptions(job).map(({ attempt }) => attempt))
  return disruptionsOf(job, pods).filter(({ attempt }) => !recorded.has(attempt))
}

/** Writes disruptions down on the Job; those that stand there already stay as they are. Resolves with the Job. */
export async function recordDisruptions(
  api: Api,
  { metadata: { name = '', uid = '' } = {} }: Job,
  disruptions: readonly Disruption[],
): Promise<Job | undefined> {
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

/** The pod of the attempt that the job shows: of the one whose end decided it, else of the newest. */
export function shownPod(job: Job, pods: readonly SeenPod[]): SeenPod | undefined {
  const stop = stopOf(job)
  const decisive = stop ? stop.attempt : lastDisruption(disruptionsOf(job, pods))?.attempt
  return decisive === undefined ? newestOf(pods) : pods.find((seen) => uidOf(seen) === decisive)
}

export function newestOf(pods: readonly SeenPod[]): SeenPod | undefined {
  return pods.toSorted((a, b) => createdAt(a) - createdAt(b)).at(-1)
}

/** From 1 on: pods that were seen before it count, and those that only the Job remembers. */
export function attemptNumber(job: Job, pods: readonly SeenPod[], seen: SeenPod): number {
  const recorded = recordedDisruptions(job)
  const known = recorded.find(({ attempt }) => attempt === uidOf(seen))
  if (known !== undefined) return known.number
  const earlier = new Set(pods.filter((one) => createdAt(one) < createdAt(seen)).map(uidOf))
  for (const { attempt } of recorded) earlier.add(attempt)
  return 1 + earlier.size + Math.max(0, (job.status?.failed ?? 0) - ownFailuresSeen(pods))
}

/** Pods that failed by themselves: Kubernetes counts these and no others. */
export function ownFailuresSeen(pods: readonly SeenPod[]): number {
  return pods.filter((seen) => hasFailed(seen) && !isDisruptionTarget(seen.pod)).length
}

/** A condition alone may be taken back: the eviction was refused after all. */
function isGoing({ pod, goneAt }: SeenPod): boolean {
  return goneAt !== undefined || pod.metadata?.deletionTimestamp !== undefined || isTerminal(pod)
}

function createdAt({ pod }: { pod: Pod }): number {
  return timeOf(pod.metadata?.creationTimestamp) ?? 0
}

function uidOf({ pod }: SeenPod): string {
  return pod.metadata?.uid ?? ''
}
