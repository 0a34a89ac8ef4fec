import type { Readable } from 'node:stream'
import { DamagedCheckpoint, parseCheckpoint } from './checkpoint-format.ts'
import { layout } from './layout.ts'
import { flatten } from './lines.ts'
import type { CheckpointHead, CheckpointLine } from './manifest.ts'
import { type ArtifactStore, isNotFound } from './store.ts'

interface Options {
  signal?: AbortSignal
}

export interface Checkpoint {
  head: CheckpointHead
  /**
   * To be iterated once. Only its end proves that the checkpoint is whole: ends with DamagedCheckpoint otherwise.
   */
  lines: AsyncIterable<CheckpointLine>
  /** Whoever doesn't iterate the lines calls it, else their connection stays open. */
  close(): void
}

/** Reads one checkpoint; undefined where there is none. Rejects with DamagedCheckpoint and StoreError. */
export async function readCheckpoint(
  store: ArtifactStore,
  key: string,
  options: Options = {},
): Promise<Checkpoint | undefined> {
  let stream: Readable | undefined
  try {
    const body = await store.get(key, options)
    stream = body.stream
    const { head, batches } = await parseCheckpoint(key, body.stream)
    // A generator's return() would close nothing: before its first next() it only marks it as done.
    return { head, lines: flatten(batches), close: () => void body.stream.destroy() }
  } catch (error) {
    stream?.destroy()
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** The keys of an attempt's checkpoints, oldest first. */
export async function listCheckpoints(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  options: Options = {},
): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(layout.checkpoints(uuid, attempt), options)) keys.push(key)
  return keys
}

/**
 * Uploads in parts that the newest readable checkpoint of an attempt says are open; whoever removes the attempt
 * aborts them first. Rejects with StoreError.
 */
export async function openUploads(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  options: Options = {},
): Promise<CheckpointHead['uploads']> {
  const keys = await listCheckpoints(store, uuid, attempt, options)
  for (const key of keys.reverse()) {
    try {
      const checkpoint = await readCheckpoint(store, key, options)
      if (checkpoint === undefined) continue
      checkpoint.close()
      return checkpoint.head.uploads
    } catch (error) {
      if (!(error instanceof DamagedCheckpoint)) throw error
    }
  }
  return []
}
