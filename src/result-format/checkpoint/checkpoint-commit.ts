import { putStream } from '../../store/put-stream.ts'
import { type ArtifactStore, isPreconditionFailed } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import type { Entry } from '../entry.ts'
import { jobKeys } from '../job-keys.ts'
import type { ManifestHead } from '../manifest/manifest.ts'
import { readHead } from '../manifest/manifest-reader.ts'
import { writeManifest } from '../manifest/manifest-writer.ts'
import { PathSequence } from '../path-sequence.ts'
import { addToTally, emptyTally } from '../tally.ts'
import type { DamagedCheckpoint } from './checkpoint-format.ts'
import { mergeCheckpoints } from './checkpoint-merge.ts'

/**
 * Makes a manifest of an attempt's checkpoints, for an attempt that has ended without one. An
 * existing manifest stays unchanged. Resolves with the head of the existing or new manifest, or
 * with undefined if there is neither a manifest nor a checkpoint. Idempotent. Rejects with
 * DamagedManifest and StoreError.
 */
export async function commitCheckpoints(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  options: { signal?: AbortSignal; onDamaged?: (error: DamagedCheckpoint) => void } = {},
): Promise<ManifestHead | undefined> {
  const key = jobKeys.manifest(uuid, attempt)
  const existing = await readHead(store, key, options)
  if (existing !== undefined) return existing
  await using merged = await mergeCheckpoints(store, uuid, attempt, options)
  if (merged === undefined) return undefined

  const tally = emptyTally()
  for await (const entry of withoutStrays(merged.entries())) addToTally(tally, entry)
  const { number, scan_started_at, stop_seen_at, inputs, word, prepared, all_listed } = merged.head
  const head: ManifestHead = {
    version: 1,
    job: uuid,
    attempt,
    scan_started_at,
    ...defined({ stop_seen_at, inputs, word, prepared }),
    ...tally,
    checkpoint: number,
    ...defined({ all_listed }),
  }
  try {
    await putStream(store, key, writeManifest(head, withoutStrays(merged.entries())), {
      ...options,
      ifAbsent: true,
    })
    return head
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error
  }
  // The first commit wins: another replica's, or that of an uploader on a lost node that has come
  // back.
  return await readHead(store, key, options)
}

/**
 * Without entries below a file or a link: a checkpoint in the middle of a pass may have the link
 * that took a folder's place, and not yet the removal of the folder's contents.
 */
async function* withoutStrays(entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
  const sequence = new PathSequence()
  for await (const entry of entries) if (!sequence.next(entry).isBelowLeaf) yield entry
}
