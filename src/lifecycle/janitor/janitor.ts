import type { RemovalRules } from '../../job/removal.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import type { Metrics } from '../../util/metrics.ts'
import { tidySegments } from './filter-segments.ts'
import { inspectFinishedJobs } from './finished-jobs.ts'
import { removeStaleEntries } from './index-entries.ts'
import { removeOrphans } from './orphans.ts'
import { type JanitorParts, mayRemove } from './parts.ts'
import { removeUnusedUploads } from './unused-uploads.ts'

export interface JanitorSettings {
  intervalSeconds: number
  rules: RemovalRules
}

/** Each removal is logged, and counted unless it is a dry run. */
export function removalRules(
  dryRun: boolean,
  log: Log,
  metrics: Pick<Metrics, 'removals' | 'removedBytes'>,
): RemovalRules {
  return {
    dryRun,
    report(removal) {
      const { job, kind, why, objects, bytes } = removal
      const line = { job, kind, why, objects, bytes }
      log.info(line, dryRun ? 'the janitor would remove (JANITOR_DRY_RUN)' : 'the janitor removed')
      if (dryRun) return
      metrics.removals.inc({ kind })
      metrics.removedBytes.inc({ kind }, bytes)
    },
  }
}

const minute = 60_000
const hour = 3_600_000

/**
 * Sweeps the store every `intervalSeconds` while this process leads, the first time a minute after
 * the start at the latest. Each sweep inspects the jobs that are due; at most once an hour one
 * walks all folders. Returns the function that ends it.
 */
export function startJanitor(parts: JanitorParts, intervalSeconds: number): () => void {
  const closing = new AbortController()
  const interval = intervalSeconds * 1000
  let timer: NodeJS.Timeout
  let walkedAt = 0
  let position: string | undefined
  let strays: ReadonlySet<string> = new Set()

  const sweep = async () => {
    const now = Date.now()
    await inspectFinishedJobs(parts, now, closing.signal)
    if (now - walkedAt < hour) return
    walkedAt = now
    await removeOrphans(parts, now - hour, closing.signal)
    await tidySegments(parts, closing.signal)
    strays = await removeUnusedUploads(parts, now - hour, strays, closing.signal)
    position = await removeStaleEntries(parts, now - hour, position, closing.signal)
  }
  const run = async () => {
    try {
      if (mayRemove(parts)) await sweep()
    } catch (error) {
      if (closing.signal.aborted) return
      parts.log.warn({ error: messageOf(error) }, 'a sweep of the store failed and is repeated')
    }
    if (!closing.signal.aborted) timer = setTimeout(() => void run(), interval).unref()
  }
  timer = setTimeout(() => void run(), Math.min(interval, minute)).unref()
  return () => {
    closing.abort()
    clearTimeout(timer)
  }
}
