import { layout } from '../../artifact/layout.ts'
import type { ArtifactStore } from '../../artifact/store.ts'
import type { JobBackend } from '../../job/backend.ts'
import type { RemovalRules } from '../../job/removal.ts'
import type { Log } from '../../log.ts'
import type { KeyLock } from '../key-lock.ts'
import type { OpenUploads } from '../purge.ts'
import type { JobRecord, Records } from '../records.ts'
import { type Amount, removeListed } from '../remove-listed.ts'

/** What the janitor's parts share. */
export interface JanitorParts {
  backend: JobBackend
  store: ArtifactStore
  records: Records
  locks: KeyLock
  openUploads: OpenUploads
  rules: RemovalRules
  log: Log
}

/** Whether this process is the one to remove anything, and knows of every job. */
export function mayRemove({ backend }: JanitorParts): boolean {
  return backend.holdsLease() && backend.missing().length === 0
}

/**
 * Whether the record is still that of this job. Asked again after listing what is to be removed: a job of the same
 * uuid that another replica makes after a deletion begins with the record's end, so what was listed is the old one's.
 */
export async function stands({ records }: JanitorParts, record: JobRecord): Promise<boolean> {
  const now = await records.read(record.job.job_uuid)
  return now?.ended_at === record.ended_at
}

/** Removes attempts' folders with all that is in them. */
export async function removeAttempts(
  parts: JanitorParts,
  uuid: string,
  attempts: readonly string[],
): Promise<Amount> {
  const { store, rules } = parts
  const total: Amount = { objects: 0, bytes: 0 }
  const add = ({ objects, bytes }: Amount) => {
    total.objects += objects
    total.bytes += bytes
  }
  // First: what is left of a removal that was cut short must not look like a result.
  for (const attempt of rules.dryRun ? [] : attempts) {
    const manifest = layout.manifest(uuid, attempt)
    const head = await store.head(manifest)
    if (head === undefined) continue
    await store.remove([manifest])
    add({ objects: 1, bytes: head.size })
  }
  for (const attempt of attempts) {
    await dropUploads(parts, uuid, attempt)
    add(await removeListed(store, layout.attempt(uuid, attempt), { dryRun: rules.dryRun }))
  }
  return total
}

/** Drops the uploads that an attempt's newest checkpoint says are open; most of them were completed since. */
export async function dropUploads(parts: JanitorParts, uuid: string, attempt: string): Promise<void> {
  const { store, openUploads, rules } = parts
  let dropped = 0
  for (const upload of await openUploads(uuid, attempt)) {
    // A checkpoint speaks of its own attempt: one that names another's is not what an uploader wrote.
    if (!upload.key.startsWith(layout.attempt(uuid, attempt))) continue
    if (rules.dryRun || (await store.abortUpload(upload))) dropped += 1
  }
  if (dropped === 0) return
  const why = rules.dryRun
    ? `attempt ${attempt} has ended; its checkpoint names uploads in parts, which may be completed since`
    : `attempt ${attempt} has ended and left uploads in parts open`
  rules.tell({ kind: 'upload', job: uuid, why, objects: dropped, bytes: 0 })
}
