import type { Stop, Stored } from '../../../job/state/observation.ts'
import { commitCheckpoints } from '../../../result-format/checkpoint/checkpoint.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
import type { ManifestHead } from '../../../result-format/manifest/manifest.ts'
import { DamagedManifest } from '../../../result-format/manifest/manifest-format.ts'
import { readHead } from '../../../result-format/manifest/manifest-reader.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import { listAttempts } from '../../records/list-attempts.ts'

/**
 * The stored results of an attempt, or of the newest attempt if `attempt` is undefined. `stored` is
 * undefined as long as a manifest may still be written. If the attempt has `ended`, its newest
 * checkpoint is committed as the result, and `stored` is `none` without one. Damaged parts count as
 * absent and go to `onDamaged`. Rejects with StoreError.
 */
export async function lookUpManifest(
  store: ArtifactStore,
  uuid: string,
  attempt: string | undefined,
  ended: boolean,
  onDamaged: (error: Error) => void,
): Promise<{ attempt?: string; stored?: Stored }> {
  if (!ended) {
    const head = attempt && (await readHead(store, jobKeys.manifest(uuid, attempt)))
    return head ? { stored: head } : {}
  }
  if (attempt !== undefined) return { stored: await settle(store, uuid, attempt, onDamaged) }
  let newest: { attempt: string; stored: ManifestHead } | undefined
  for (const candidate of await listAttempts(store, uuid)) {
    const head = await settle(store, uuid, candidate, onDamaged)
    if (head === 'none') continue
    if (!newest || head.scan_started_at > newest.stored.scan_started_at) {
      newest = { attempt: candidate, stored: head }
    }
  }
  return newest ?? { stored: 'none' }
}

/** Tells an uploader that is storing to stop; idempotent. */
export async function announceStop(store: ArtifactStore, uuid: string, stop: Stop): Promise<void> {
  await store.put(jobKeys.stop(uuid), Buffer.from(`${JSON.stringify(stop)}\n`))
}

/** The manifest's head; without a manifest, the head of a new one made of the newest checkpoint. */
async function settle(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  onDamaged: (error: Error) => void,
): Promise<Stored> {
  try {
    return (await commitCheckpoints(store, uuid, attempt, { onDamaged })) ?? 'none'
  } catch (error) {
    if (!(error instanceof DamagedManifest)) throw error
    onDamaged(error)
    return 'none'
  }
}
