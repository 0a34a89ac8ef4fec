import { messageOf } from '../errors.ts'
import type { Removal, RemovalRules } from '../job/removal.ts'
import type { Log } from '../log.ts'
import { lookAtFinished } from './janitor/finished-jobs.ts'
import { removeStaleEntries } from './janitor/index-entries.ts'
import { removeOrphans } from './janitor/orphans.ts'
import { type JanitorParts, mayRemove } from './janitor/parts.ts'

export interface JanitorSettings {
  intervalSeconds: number
  rules: RemovalRules
}

/** How a removal is told: a line in the log for each, and `count` unless it is a dry run. */
export function removalRules(dryRun: boolean, log: Log, count: (removal: Removal) => void): RemovalRules {
  return {
    dryRun,
    tell(removal) {
      const { job, kind, why, objects, bytes } = removal
      const line = { job, kind, why, objects, bytes }
      log.info(line, dryRun ? 'the janitor would remove (JANITOR_DRY_RUN)' : 'the janitor removed')
      if (!dryRun) count(removal)
    },
  }
}

const minute = 60_000
const hour = 3_600_000

/**
 * Sweeps the store every `intervalSeconds`, the first time a minute after the start at the latest, where this process
 * holds the Lease; returns what ends it. What is due is looked at in each sweep; all folders are walked once an hour
 * at most.
 */
export function startJanitor(parts: JanitorParts, intervalSeconds: number): () => void {
  const closing = new AbortController()
  const interval = intervalSeconds * 1000
  let timer: NodeJS.Timeout
  let walkedAt = 0
  let position: string | undefined

  const sweep = async () => {
    const now = Date.now()
    await lookAtFinished(parts, now, closing.signal)
    if (now - walkedAt < hour) return
    walkedAt = now
    await removeOrphans(parts, now - hour, closing.signal)
    position = await removeStaleEntries(parts, now - hour, position, closing.signal)
  }
  const run = async () => {
    try {
      if (mayRemove(parts)) await sweep()
    } catch (error) {
      if (closing.signal.aborted) return
      parts.log.warn({ error: messageOf(error) }, 'a sweep of the store failed and is begun again later')
    }
    if (!closing.signal.aborted) timer = setTimeout(() => void run(), interval).unref()
  }
  timer = setTimeout(() => void run(), Math.min(interval, minute)).unref()
  return () => {
    closing.abort()
    clearTimeout(timer)
  }
}
