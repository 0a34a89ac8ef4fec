import { buffer } from 'node:stream/consumers'
import { writeCheckpoint } from '../../src/artifact/checkpoint-format.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { CheckpointHead } from '../../src/artifact/manifest.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import type { StateDirectory } from '../state-directory.ts'

const number = 1

/**
 * Proves that results can be stored, by what will be done then: writes the attempt's first checkpoint, which has no
 * lines, and reads it back. It needs no right but those of uploading, and leaves nothing of its own. Rejects with
 * StoreError.
 */
export async function proveStore(
  store: ArtifactStore,
  state: StateDirectory,
  { job, attempt }: { job: string; attempt: string },
  signal: AbortSignal,
): Promise<void> {
  const now = new Date().toISOString()
  const head: CheckpointHead = { version: 1, job, attempt, number, scan_started_at: now, uploads: [] }
  const written = await buffer(writeCheckpoint(head, nothing()))
  const key = layout.checkpoint(job, attempt, number)
  state.markCheckpoint(number)
  await store.put(key, written, signal)
  const { stream } = await store.get(key, { signal })
  const read = await buffer(stream)
  if (!read.equals(written)) throw new Error(`${key} reads other than it was written`)
  state.storedCheckpoint = number
}

async function* nothing(): AsyncGenerator<never, void> {}
