import { buffer } from 'node:stream/consumers'
import { parseCheckpoint, writeCheckpoint } from '../../src/result-format/checkpoint/checkpoint-format.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { CheckpointHead } from '../../src/result-format/manifest/manifest.ts'
import { type ArtifactStore, isPreconditionFailed } from '../../src/store/store.ts'
import type { StateDirectory } from '../state-directory.ts'

const number = 1

/**
 * Proves that results can be stored by writing the attempt's first checkpoint, which has no lines,
 * and reading it back. This needs only the rights of an upload and leaves nothing extra. Rejects
 * with StoreError.
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
  const key = jobKeys.checkpoint(job, attempt, number)
  state.markCheckpoint(number)
  await store.put(key, written, signal, { ifAbsent: true }).catch(writtenBefore)
  const { stream } = await store.get(key, { signal })
  const read = await buffer(stream)
  if (!read.equals(written) && !(await isOurs(key, read, head))) {
    throw new Error(`${key}: the store returned other bytes than were written`)
  }
  state.storedCheckpoint = number
}

/** By an earlier try, whose answer was lost. */
function writtenBefore(error: unknown): void {
  if (!isPreconditionFailed(error)) throw error
}

async function isOurs(key: string, bytes: Buffer, { job, attempt }: CheckpointHead): Promise<boolean> {
  const { head, batches } = await parseCheckpoint(key, once(bytes))
  for await (const lines of batches) if (lines.length > 0) return false
  return head.job === job && head.attempt === attempt && head.number === number
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes
}

async function* nothing(): AsyncGenerator<never, void> {}
