import { jobKeys } from '../../result-format/job-keys.ts'
import { removeListed } from '../archive/remove-listed.ts'
import type { FinalRecord } from '../records/final-record.ts'
import { listAttempts } from '../records/list-attempts.ts'
import { isCurrentRecord, type JanitorParts, removeAttempts } from './parts.ts'

/**
 * Removes all that the store has of a job whose result has expired, except its record and its index
 * entry: callers are told that it expired, and its Idempotency-Key can't make another job
 * meanwhile.
 */
export async function removeExpired(parts: JanitorParts, record: FinalRecord): Promise<void> {
  const { store, rules } = parts
  const { dryRun } = rules
  const uuid = record.job.job_uuid
  const attempts = await listAttempts(store, uuid)
  if (!(await isCurrentRecord(parts, record))) return
  const total = await removeAttempts(parts, uuid, attempts)
  // Their keys have no attempt's UID, so they may be those of a new job of the uuid.
  if (await isCurrentRecord(parts, record)) {
    const { input, inputLists, stop, earlierLogs } = jobKeys
    for (const prefix of [input(uuid, ''), inputLists(uuid), stop(uuid), earlierLogs(uuid)]) {
      const { objects, bytes } = await removeListed(store, prefix, { dryRun })
      total.objects += objects
      total.bytes += bytes
    }
  }
  const why = `its result expired at ${record.expires_at} (result_keep_seconds)`
  if (total.objects > 0) rules.report({ kind: 'result', job: uuid, why, ...total })
}

/** Removes the rest of a job whose result expired a week ago, its record last. */
export async function removeRecord(parts: JanitorParts, record: FinalRecord): Promise<void> {
  const { records, rules } = parts
  await removeExpired(parts, record)
  if (!(await isCurrentRecord(parts, record))) return
  const uuid = record.job.job_uuid
  await removeListed(parts.store, jobKeys.deliveries(uuid), { dryRun: rules.dryRun })
  if (!rules.dryRun) await records.remove(uuid)
  const why = `its result expired at ${record.expires_at}, a week ago`
  rules.report({ kind: 'record', job: uuid, why, objects: 1, bytes: 0 })
}
