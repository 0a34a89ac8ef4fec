import { layout } from '../../artifact/layout.ts'
import { listAttempts } from '../purge.ts'
import type { JobRecord } from '../records.ts'
import { removeListed } from '../remove-listed.ts'
import { type JanitorParts, removeAttempts, stands } from './parts.ts'

/**
 * Removes all that the store has of a job whose result is past its time, but for its record and its place in the
 * list of jobs: they say what became of it, and keep its Idempotency-Key from making another job meanwhile.
 */
export async function removeExpired(parts: JanitorParts, record: JobRecord): Promise<void> {
  const { store, rules } = parts
  const { dryRun } = rules
  const uuid = record.job.job_uuid
  const attempts = await listAttempts(store, uuid)
  if (!(await stands(parts, record))) return
  const total = await removeAttempts(parts, uuid, attempts)
  // These carry no attempt's name: they may be another job's by now.
  if (await stands(parts, record)) {
    for (const prefix of [layout.input(uuid, ''), layout.inputLists(uuid), layout.stop(uuid)]) {
      const { objects, bytes } = await removeListed(store, prefix, { dryRun })
      total.objects += objects
      total.bytes += bytes
    }
  }
  const why = `its result was to be kept until ${record.expires_at} (result_keep_seconds)`
  if (total.objects > 0) rules.tell({ kind: 'result', job: uuid, why, ...total })
}

/** Removes what is left of a job whose result expired long ago: its record last, so that nothing else is left. */
export async function forget(parts: JanitorParts, record: JobRecord): Promise<void> {
  const { records, rules } = parts
  await removeExpired(parts, record)
  if (!(await stands(parts, record))) return
  const uuid = record.job.job_uuid
  if (!rules.dryRun) await records.remove(uuid)
  const why = `its result expired at ${record.expires_at}, a week ago`
  rules.tell({ kind: 'record', job: uuid, why, objects: 1, bytes: 0 })
}
