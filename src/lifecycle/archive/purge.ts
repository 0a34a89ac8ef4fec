import { jobKeys } from '../../result-format/job-keys.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { listAttempts } from '../records/list-attempts.ts'
import type { Records } from '../records/records.ts'
import { type Amount, removeListed } from './remove-listed.ts'

/** Resolves with an attempt's multipart uploads that may still be open. */
export type OpenUploads = (uuid: string, attempt: string) => Promise<{ key: string; id: string }[]>

/**
 * Removes all that the store has of a job: first its record and index entry, so that callers don't
 * see it any more, then its files and multipart uploads. Checkpoints name those, as MinIO lists
 * them for an exact key only. Idempotent; a second call completes a first one that failed. Resolves
 * with the removed objects.
 */
export async function purge(
  store: ArtifactStore,
  records: Records,
  openUploads: OpenUploads,
  uuid: string,
): Promise<Amount> {
  await records.remove(uuid)
  const attempts = await listAttempts(store, uuid)
  // Before the files: the rest of an interrupted removal must not look like a result.
  await store.remove(attempts.map((attempt) => jobKeys.manifest(uuid, attempt)))
  for (const attempt of attempts) {
    for (const upload of await openUploads(uuid, attempt)) await store.abortUpload(upload)
  }
  return await removeListed(store, jobKeys.job(uuid))
}
