import type { DamagedCheckpoint } from './checkpoint-format.ts'
import { mergeCheckpoints } from './checkpoint-merge.ts'
import { layout } from './layout.ts'
import type { ManifestHead } from './manifest.ts'
import { readHead } from './manifest-reader.ts'
import { writeManifest } from './manifest-writer.ts'
import { putStream } from './put-stream.ts'
import { type ArtifactStore, isOccupied } from './store.ts'
import { addToTally, emptyTally } from './tally.ts'

/**
 * Makes an attempt's checkpoints its result, once nothing of the attempt runs any more and it left no manifest.
 * A manifest that is there stays as it is. Resolves with its head or the new one's; undefined where there is
 * neither a manifest nor a checkpoint. Idempotent. Rejects with DamagedManifest and StoreError.
 */
export async function commitCheckpoints(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  options: { signal?: AbortSignal; onDamaged?: (error: DamagedCheckpoint) => void } = {},
): Promise<ManifestHead | undefined> {
  const key = layout.manifest(uuid, attempt)
  const existing = await readHead(store, key, options)
  if (existing !== undefined) return existing
  await using merged = await mergeCheckpoints(store, uuid, attempt, options)
  if (merged === undefined) return undefined

  const tally = emptyTally()
  for await (const entry of merged.entries()) addToTally(tally, entry)
  const { number, scan_started_at, stop_seen_at } = merged.head
  const head: ManifestHead = {
    version: 1,
    job: uuid,
    attempt,
    scan_started_at,
    ...(stop_seen_at === undefined ? {} : { stop_seen_at }),
    ...tally,
    checkpoint: number,
  }
  try {
    await putStream(store, key, writeManifest(head, merged.entries()), { ...options, ifAbsent: true })
    return head
  } catch (error) {
    if (!isOccupied(error)) throw error
  }
  // Another replica's, or that of an uploader on a lost node that has come back: the first to commit stands.
  return await readHead(store, key, options)
}
