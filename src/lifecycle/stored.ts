import { commitCheckpoints } from '../artifact/checkpoint.ts'
import { layout } from '../artifact/layout.ts'
import type { ManifestHead } from '../artifact/manifest.ts'
import { DamagedManifest } from '../artifact/manifest-format.ts'
import { readHead } from '../artifact/manifest-reader.ts'
import type { ArtifactStore } from '../artifact/store.ts'
import type { Stop, Stored } from '../job/observation.ts'
import { listAttempts } from './purge.ts'

/**
 * What the store has of an attempt's results, of the newest one where `attempt` is unknown. `stored` is undefined
 * while a manifest may still come. With `ended`, nothing will come any more: then the newest checkpoints are made
 * the result, and `none` is the answer where there are none. What is damaged counts as not there and is given to
 * `onDamaged`. Rejects with StoreError.
 */
export async function lookUpManifest(
  store: ArtifactStore,
  uuid: string,
  attempt: string | undefined,
  ended: boolean,
  onDamaged: (error: Error) => void,
): Promise<{ attempt?: string; stored?: Stored }> {
  if (!ended) {
    const head = attempt && (await readHead(store, layout.manifest(uuid, attempt)))
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
  await store.put(layout.stop(uuid), Buffer.from(`${JSON.stringify(stop)}\n`))
}

/** The manifest's head, a new one made of checkpoints where there was none. */
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
