import type { ManifestHead } from '../../result-format/manifest/manifest.ts'
import type { Cause } from '../job.ts'
import type { Attempt, Observation, Stop, Stored } from './observation.ts'

/**
 * How an attempt ended whose results are decided:
 * - `stopped`: the API's stop reached it before its results were whole
 * - `interrupted`: the platform or a person ended it before that
 * - `deleted`: its Job was deleted in the cluster
 * - `not-started`: its pod ended before its worker had started
 * - `worker-failed`: its worker failed by itself
 * - `not-stored`: its worker succeeded, and the store lacks results
 * - `told-to-stop`: its uploader was told to stop before the worker's end
 * - `succeeded`
 */
export type Ending =
  | { kind: 'stopped'; stop: Stop }
  | { kind: 'interrupted'; by: Cause }
  | { kind: 'deleted' | 'not-started' | 'worker-failed' | 'not-stored' | 'told-to-stop' | 'succeeded' }

export function endingOf(observation: Observation, attempt: Attempt, stored: Stored): Ending {
  const { stop } = observation
  const { worker, interrupted } = attempt
  const deletedAt = othersDeletionOf(observation)
  const cameBeforeEnd = (at: number) =>
    worker.finishedAt === undefined || at <= worker.finishedAt + worker.resolution
  const isWhole = hasWholeResults(attempt, stored)
  const stopSeen = stored !== 'none' && stored.stop_seen_at !== undefined
  if (stop && (!isWhole || stopSeen || cameBeforeEnd(stop.at))) return { kind: 'stopped', stop }
  if (interrupted && (!isWhole || cameBeforeEnd(interrupted.at)))
    return { kind: 'interrupted', by: interrupted }
  if (worker.startedAt === undefined) return { kind: deletedAt === undefined ? 'not-started' : 'deleted' }
  // A worker that obeys a stop has neither failed nor succeeded, though the preStop hook may not
  // have been seen.
  if (deletedAt !== undefined && cameBeforeEnd(deletedAt)) return { kind: 'deleted' }
  if (worker.cause || worker.exitCode !== 0) return { kind: 'worker-failed' }
  if (isWhole && !stopSeen) return { kind: 'succeeded' }
  // A kubelet that comes back late reports a deletion that came when the worker had just ended.
  if (deletedAt !== undefined) return { kind: 'deleted' }
  return { kind: isWhole ? 'told-to-stop' : 'not-stored' }
}

/** True if the stored results are those that the worker left at its end. */
export function hasWholeResults(attempt: Attempt, stored: Stored): boolean {
  return stored !== 'none' && coversWorkersEnd(attempt, stored)
}

/**
 * Whether a manifest, or its absence, is final. A manifest whose scan is not proved to have begun
 * after the worker's end may be followed by another one as long as an uploader lives, or a rescue
 * may come: a SIGTERM to the uploader alone says nothing about the worker. A failure without a
 * known cause waits for the attempt's end: only then do kubelets report that they evicted it.
 */
export function isDecided(
  { stop, deletedAt, rescue }: Observation,
  attempt: Attempt,
  stored: Stored,
): boolean {
  if (attempt.ended && (rescue === undefined || rescue.state === 'over')) return true
  if (stored === 'none' || !coversWorkersEnd(attempt, stored)) return false
  const { worker, interrupted } = attempt
  if (attempt.ended || stop || deletedAt !== undefined || interrupted || worker.cause) return true
  return worker.exitCode === 0 && stored.stop_seen_at === undefined
}

function coversWorkersEnd(attempt: Attempt, head: ManifestHead): boolean {
  const { finishedAt, resolution } = attempt.worker
  if (finishedAt === undefined || head.checkpoint !== undefined) return false
  const scan = Date.parse(head.scan_started_at)
  if (scan >= finishedAt + resolution) return true
  if (scan < finishedAt) return false
  // Both in the same whole second: the kubelet ends a sidecar only after the worker. If it
  // restarted the uploader, the manifest must be the last run's.
  const { uploader } = attempt
  if (uploader.finishedAt === undefined || uploader.finishedAt < finishedAt) return false
  return uploader.restarts === 0 || scan >= (uploader.startedAt ?? scan) + uploader.resolution
}

/**
 * A stop deletes the Job, too; in whole seconds, rounded down, that may seem to have come before
 * the stop.
 */
function othersDeletionOf({ stop, deletedAt }: Observation): number | undefined {
  return stop !== undefined && deletedAt !== undefined && deletedAt + 1000 > stop.at ? undefined : deletedAt
}
