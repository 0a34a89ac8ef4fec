import { messageOf } from '../../util/errors.ts'
import { type AgendaEntry, agendaKey, dueEntries } from '../records/agenda.ts'
import { nextInspection, stageOf } from '../records/retention.ts'
import { removeExpired, removeRecord } from './expiry.ts'
import { removeLeftovers } from './leftovers.ts'
import { type JanitorParts, mayRemove } from './parts.ts'

/**
 * Inspects the finished jobs that are due. A job whose inspection fails stays due, and the others
 * go on.
 */
export async function inspectFinishedJobs(
  parts: JanitorParts,
  now: number,
  signal?: AbortSignal,
): Promise<void> {
  for await (const entry of dueEntries(parts.store, now, signal)) {
    if (!mayRemove(parts) || signal?.aborted) return
    try {
      await inspect(parts, entry, now)
    } catch (error) {
      const failed = { job: entry.uuid, error: messageOf(error) }
      parts.log.warn(failed, 'inspecting a finished job failed and is repeated')
    }
  }
}

async function inspect(parts: JanitorParts, { key, uuid }: AgendaEntry, now: number): Promise<void> {
  const { backend, store, records, locks, rules } = parts
  // The lock's holder removes the job, or makes another one of its uuid.
  if (locks.isLocked(uuid)) return
  const unlock = await locks.lock(uuid)
  try {
    // Not archived yet, or another job of that uuid: its own record has its own agenda entry.
    if (backend.get(uuid)?.released === false) return
    const record = await records.read(uuid)
    if (record !== undefined) {
      const stage = stageOf(record, now)
      if (stage === 'kept') await removeLeftovers(parts, record, now)
      else if (stage === 'expired') await removeExpired(parts, record)
      else await removeRecord(parts, record)
    }
    if (rules.dryRun) return
    const next = record && nextInspection(record, now)
    if (next !== undefined) await store.put(agendaKey(next, uuid), Buffer.alloc(0))
    await store.remove([key])
  } finally {
    unlock()
  }
}
