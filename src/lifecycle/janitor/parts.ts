import type { JobBackend } from '../../job/backend.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { RemovalRules } from '../../job/removal.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import type { ArtifactStore } from '../../store/store.ts'
import type { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Log } from '../../util/log.ts'
import type { OpenUploads } from '../archive/purge.ts'
import { type Amount, type RemoveOptions, removeListed } from '../archive/remove-listed.ts'
import type { FinalRecord } from '../records/final-record.ts'
import type { Records } from '../records/records.ts'
import type { Shelves } from '../uploads/shelves.ts'

/** What the janitor's functions share. */
export interface JanitorParts {
  backend: JobBackend
  leadership: Pick<Leadership, 'isLeader'>
  store: ArtifactStore
  records: Records
  locks: KeyedMutex
  shelves: Shelves
  openUploads: OpenUploads
  rules: RemovalRules
  log: Log
}

/** True if this process leads and knows every job: otherwise the janitor removes nothing. */
export function mayRemove({ backend, leadership }: JanitorParts): boolean {
  return leadership.isLeader() && backend.missing().length === 0
}

/**
 * True if the store's record is still this one. Asked again after a listing: another replica may
 * have deleted the job and made a new one of its uuid. As the record goes first, objects listed
 * before belong to the old job.
 */
export async function isCurrentRecord({ records }: JanitorParts, record: FinalRecord): Promise<boolean> {
  const now = await records.read(record.job.job_uuid)
  return now?.ended_at === record.ended_at
}

/** Removes attempts' folders with all objects in them that `keep` does not keep. */
export async function removeAttempts(
  parts: JanitorParts,
  uuid: string,
  attempts: readonly string[],
  options: Pick<RemoveOptions, 'keep'> = {},
): Promise<Amount> {
  const { store, rules } = parts
  const total: Amount = { objects: 0, bytes: 0 }
  const add = ({ objects, bytes }: Amount) => {
    total.objects += objects
    total.bytes += bytes
  }
  // First, as the rest of an interrupted removal must not look like a result.
  for (const attempt of rules.dryRun ? [] : attempts) {
    const manifest = jobKeys.manifest(uuid, attempt)
    const head = await store.head(manifest)
    if (head === undefined) continue
    await store.remove([manifest])
    add({ objects: 1, bytes: head.size })
  }
  for (const attempt of attempts) {
    await abortUploads(parts, uuid, attempt)
    add(await removeListed(store, jobKeys.attempt(uuid, attempt), { ...options, dryRun: rules.dryRun }))
  }
  return total
}

/**
 * Aborts the multipart uploads that an attempt's newest checkpoint calls open; most were completed
 * since.
 */
export async function abortUploads(parts: JanitorParts, uuid: string, attempt: string): Promise<void> {
  const { store, openUploads, rules } = parts
  let dropped = 0
  for (const upload of await openUploads(uuid, attempt)) {
    // An uploader's checkpoint names only uploads of its own attempt: any other wasn't written by
    // an uploader.
    if (!upload.key.startsWith(jobKeys.attempt(uuid, attempt))) continue
    if (rules.dryRun || (await store.abortUpload(upload))) dropped += 1
  }
  if (dropped === 0) return
  const why = rules.dryRun
    ? `attempt ${attempt} has ended; its checkpoint names multipart uploads, which may have been completed since`
    : `attempt ${attempt} has ended and left multipart uploads open`
  rules.report({ kind: 'upload', job: uuid, why, objects: dropped, bytes: 0 })
}
