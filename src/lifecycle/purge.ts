import { layout } from '../artifact/layout.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import type { Records } from './records.ts'
import { type Amount, removeListed } from './remove-listed.ts'

/** A function that gives an attempt's uploads in parts that may still be open. */
export type OpenUploads = (uuid: string, attempt: string) => Promise<{ key: string; id: string }[]>

/**
 * Removes all that the store has of a job: first what makes it visible, then its files, and its uploads in parts,
 * which no listing shows (MinIO lists them for an exact key only) and which therefore stand in checkpoints.
 * Idempotent; begun again it finishes. Resolves with what it removed of files.
 */
export async function purge(
  store: ArtifactStore,
  records: Records,
  openUploads: OpenUploads,
  uuid: string,
): Promise<Amount> {
  await records.remove(uuid)
  const attempts = await listAttempts(store, uuid)
  // Before the files: what is left of a removal that was cut short must not look like a result.
  await store.remove(attempts.map((attempt) => layout.manifest(uuid, attempt)))
  for (const attempt of attempts) {
    for (const upload of await openUploads(uuid, attempt)) await store.abortUpload(upload)
  }
  return await removeListed(store, layout.job(uuid))
}

/** The UIDs of the attempts that left anything in the store. */
export async function listAttempts(store: ArtifactStore, uuid: string): Promise<string[]> {
  const attempts: string[] = []
  const prefix = layout.job(uuid)
  for (let after: string | undefined; ; ) {
    const first = await firstKey(store, prefix, after)
    if (first === undefined) return attempts
    const name = first.slice(prefix.length).split('/', 1)[0] ?? ''
    const isFolder = first.length > prefix.length + name.length
    if (isFolder && /^[0-9a-f-]{36}$/.test(name)) attempts.push(name)
    // `0` is the character behind `/`: jumps over all that lies in the folder.
    after = isFolder ? `${prefix}${name}0` : first
  }
}

async function firstKey(store: ArtifactStore, prefix: string, after?: string): Promise<string | undefined> {
  const options = { expected: 1, ...(after === undefined ? {} : { after }) }
  for await (const { key } of store.list(prefix, options)) return key
  return undefined
}
