import { mergeCheckpoints } from '../../src/artifact/checkpoint-merge.ts'
import { findCheckpoints, openUploads } from '../../src/artifact/checkpoint-reader.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { Journals } from '../known/journals.ts'
import type { UploaderSettings } from '../settings.ts'
import type { StateDirectory } from '../state-directory.ts'
import { noteLeftOver } from '../store/open-uploads.ts'

/**
 * Takes over what an ended uploader of the same attempt left in the store, since its state directory went with its
 * pod: what its checkpoints say is known, further ones come behind them, its open uploads are dropped. May be called
 * again after a kill at any moment. Rejects with StoreError.
 */
export async function adoptCheckpoints(
  store: ArtifactStore,
  state: StateDirectory,
  { job, attempt }: Pick<UploaderSettings, 'job' | 'attempt'>,
  signal: AbortSignal,
): Promise<void> {
  const keys = await findCheckpoints(store, job, attempt, signal)
  // Of a damaged one too: its number must not be used for another.
  const newest = Number(/(\d+)\.ndjson$/.exec(keys.at(-1) ?? '')?.[1] ?? 0)
  if (newest > state.checkpoint) state.markCheckpoint(newest)
  state.storedCheckpoint = newest
  noteLeftOver(state, await openUploads(store, job, attempt, { signal, keys }))

  const directory = state.path('.')
  await using merged = await mergeCheckpoints(store, job, attempt, { signal, keys, directory })
  if (merged === undefined) return
  // Of the pod, whoever looks at the results.
  if (merged.head.stop_seen_at !== undefined) state.markStopSeen()
  const journals = new Journals(state)
  const { journal, known, recovered } = journals.begin()
  using _journal = journal
  using _known = known
  using _recovered = recovered
  for await (const entry of merged.entries()) journal.append({ entry })
  journal.flush()
  journals.adopt()
}
