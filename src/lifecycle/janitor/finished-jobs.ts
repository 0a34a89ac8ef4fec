import { messageOf } from '../../errors.ts'
import { type AgendaEntry, agendaKey, dueEntries } from './agenda.ts'
import { forget, removeExpired } from './expiry.ts'
import { removeLeftovers } from './leftovers.ts'
import { type JanitorParts, mayRemove } from './parts.ts'
import { nextLook, stageOf } from './schedule.ts'

/** Looks at the finished jobs that are due. One that fails stays due, and keeps no other from its turn. */
export async function lookAtFinished(parts: JanitorParts, now: number, signal?: AbortSignal): Promise<void> {
  for await (const entry of dueEntries(parts.store, now, signal)) {
    if (!mayRemove(parts) || signal?.aborted) return
    try {
      await lookAt(parts, entry, now)
    } catch (error) {
      const failed = { job: entry.uuid, error: messageOf(error) }
      parts.log.warn(failed, 'looking for what a finished job left failed and is tried again')
    }
  }
}

async function lookAt(parts: JanitorParts, { key, uuid }: AgendaEntry, now: number): Promise<void> {
  const { backend, store, records, locks, rules } = parts
  // Whoever holds the lock removes that job or makes another one of its uuid.
  if (locks.isLocked(uuid)) return
  const unlock = await locks.lock(uuid)
  try {
    // Still being finished, or another job of that uuid: its own record asks for its own look.
    if (backend.get(uuid)?.released === false) return
    const record = await records.read(uuid)
    if (record !== undefined) {
      const stage = stageOf(record, now)
      if (stage === 'kept') await removeLeftovers(parts, record, now)
      else if (stage === 'expired') await removeExpired(parts, record)
      else await forget(parts, record)
    }
    if (rules.dryRun) return
    const next = record && nextLook(record, now)
    if (next !== undefined) await store.put(agendaKey(next, uuid), Buffer.alloc(0))
    await store.remove([key])
  } finally {
    unlock()
  }
}
