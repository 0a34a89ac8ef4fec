import type { CachedJob } from '../cache/cached-job.ts'
import { isArchived, isCreating } from '../job-metadata.ts'
import { getsNoMorePods, mayLackPods, podsKey } from '../observation/observe.ts'
import { isTerminal } from '../observation/pod-state.ts'
import type { Decision } from './job-policy.ts'

/** How often a pod that the watch no longer shows is asked for. */
const againMilliseconds = 1_000

export interface PodListing {
  /** The state of the Job that the list is for (podsKey). */
  podsKey: string
  /**
   * Whether a pod that may still run is missing from the watch, as when a client took its label
   * away.
   */
  unlabelledPod: 'no' | 'newly' | 'still'
}

/**
 * Whether to list the pods of a job whose Job counts more of them than the watch has shown: nothing
 * else tells whether they are gone or only not delivered yet. A job whose end both watches have
 * shown is never asked for.
 */
export function missingPods(
  seen: CachedJob,
  now: number,
  /** When an unlabelled pod was last asked for, in milliseconds since the epoch. */
  lastListedAt: number | undefined,
): Decision<PodListing> {
  const { job, pods, podsKnown } = seen
  if (isCreating(job) || isArchived(job)) return undefined
  if (hasUnlabelledPod(seen)) {
    if (lastListedAt === undefined) return { action: { podsKey: podsKey(job), unlabelledPod: 'newly' } }
    const nextAt = lastListedAt + againMilliseconds
    return now < nextAt
      ? { waitUntil: nextAt }
      : { action: { podsKey: podsKey(job), unlabelledPod: 'still' } }
  }
  if (podsKnown || !getsNoMorePods(job) || !mayLackPods(job, pods)) return undefined
  return { action: { podsKey: podsKey(job), unlabelledPod: 'no' } }
}

function hasUnlabelledPod({ pods, excess = [] }: CachedJob): boolean {
  return [...pods, ...excess].some(
    ({ pod, goneAt, unlabelled }) => unlabelled && goneAt === undefined && !isTerminal(pod),
  )
}
