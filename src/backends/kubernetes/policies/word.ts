import { type Pod, timeOf } from '../api/objects.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import { isArchived, isCreating, mayAwaitWord, stopOf } from '../job-metadata.ts'
import { newestPodOf } from '../observation/disruptions.ts'
import { hasEnded, uploaderStatus } from '../observation/pod-state.ts'
import { startOf, workerStatus } from '../observation/pod-steps.ts'
import type { Decision } from './job-policy.ts'

/** The log of this pod's uploader is to be read for what the worker says of itself. */
export interface WordQuery {
  pod: Pod
}

const firstMilliseconds = 3000
const againMilliseconds = 5000
/** Of a worker that has said nothing: the longer it runs, the rarer it begins to. */
const silent = { share: 0.1, mostMilliseconds: 60_000 }

/**
 * Whether to read what the worker says: every 5 s, more rarely while it has never said anything and
 * no heartbeat and no hold is asked for. `last` is the query that was read last, and when.
 */
export function wordPolicy(
  seen: CachedJob,
  now: number,
  last: { query: WordQuery; at: number } | undefined,
): Decision<WordQuery> {
  const { job, pods, word } = seen
  const isOver = stopOf(job) !== undefined || job.metadata?.deletionTimestamp !== undefined
  const newest = newestPodOf(pods)
  if (isOver || isArchived(job) || isCreating(job) || newest === undefined || hasEnded(newest))
    return undefined
  const { pod } = newest
  const uid = pod.metadata?.uid
  const start = timeOf(startOf(workerStatus(pod)))
  if (start === undefined || uploaderStatus(pod)?.state?.running === undefined) return undefined
  const isAwaited = word?.pod === uid || mayAwaitWord(job)
  const pause = isAwaited ? againMilliseconds : silentPause(now - start)
  const nextAt = last?.query.pod.metadata?.uid === uid ? (last?.at ?? 0) + pause : start + firstMilliseconds
  return now < nextAt ? { waitUntil: nextAt } : { action: { pod } }
}

function silentPause(ranMilliseconds: number): number {
  const { share, mostMilliseconds } = silent
  return Math.min(mostMilliseconds, Math.max(againMilliseconds, ranMilliseconds * share))
}
