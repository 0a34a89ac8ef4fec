import { mergeCheckpoints } from '../../src/result-format/checkpoint/checkpoint-merge.ts'
import { findCheckpoints, openUploads } from '../../src/result-format/checkpoint/checkpoint-reader.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { Journals } from '../journal/journals.ts'
import type { StateDirectory } from '../state-directory.ts'
import { noteLeftOver } from '../store/upload-tracker.ts'
import type { UploaderSettings } from '../uploader-settings.ts'

/**
 * Takes over the checkpoints of an ended uploader of the same attempt, whose state directory went
 * with its pod: they become the journal, later checkpoints get higher numbers, and its open uploads
 * are aborted. May be called again after a kill at any moment. Rejects with StoreError.
 */
export async function adoptCheckpoints(
  store: ArtifactStore,
  state: StateDirectory,
  { job, attempt }: Pick<UploaderSettings, 'job' | 'attempt'>,
  signal: AbortSignal,
): Promise<void> {
  const keys = await findCheckpoints(store, job, attempt, signal)
  // Also of a damaged checkpoint: its number must not be used again.
  const newest = Number(/(\d+)\.ndjson$/.exec(keys.at(-1) ?? '')?.[1] ?? 0)
  if (newest > state.checkpoint) state.markCheckpoint(newest)
  state.storedCheckpoint = newest
  noteLeftOver(state, await openUploads(store, job, attempt, { signal, keys }))

  const directory = state.path('.')
  await using merged = await mergeCheckpoints(store, job, attempt, { signal, keys, directory })
  if (merged === undefined) return
  // These are facts about the pod, not about its uploader.
  if (merged.head.stop_seen_at !== undefined) state.markStopSeen()
  if (merged.head.inputs !== undefined) state.markTakenInputs(merged.head.inputs)
  if (merged.head.prepared !== undefined) state.markPrepared(merged.head.prepared)
  if (merged.head.word !== undefined) state.markTakenWord(merged.head.word)
  const journals = new Journals(state)
  const { journal, known, recovered } = journals.begin()
  using _journal = journal
  using _known = known
  using _recovered = recovered
  for await (const entry of merged.entries()) journal.append({ entry })
  journal.flush()
  journals.adopt()
}
