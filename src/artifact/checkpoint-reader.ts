import type { Readable } from 'node:stream'
import { DamagedCheckpoint, parseCheckpoint } from './checkpoint-format.ts'
import { layout } from './layout.ts'
import { flatten } from './lines.ts'
import type { CheckpointHead, CheckpointLine } from './manifest.ts'
import { type ArtifactStore, isNotFound, StoreError } from './store.ts'

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
 * As listCheckpoints(), for an uploader, which may not list: looks for one number after the other, since none is left
 * out below the newest. AWS denies a look at what is not there to whoever may not list; then only the first, which
 * every attempt has, tells that the credentials are good. Rejects with StoreError.
 */
export async function findCheckpoints(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const isThere = async (number: number) =>
    (await store.head(layout.checkpoint(uuid, attempt, number), signal)) !== undefined
  const isThereOrDenied = async (number: number) => {
    try {
      return await isThere(number)
    } catch (error) {
      if (number === 1 || !(error instanceof StoreError) || error.kind !== 'denied') throw error
      return undefined
    }
  }
  const keys: string[] = []
  for (let number = 1; ; number += 1) {
    let there = await isThereOrDenied(number)
    // Denied while the first is there before and after: not for credentials that were renewed in between.
    if (there === undefined && (await isThere(1))) there = await isThereOrDenied(number)
    if (!there) return keys
    keys.push(layout.checkpoint(uuid, attempt, number))
  }
}

/**
 * Uploads in parts that the newest readable checkpoint of an attempt says are open; whoever removes the attempt
 * aborts them first. With `keys`, the checkpoints' ones, nothing is listed. Rejects with StoreError.
 */
export async function openUploads(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  options: Options & { keys?: readonly string[] } = {},
): Promise<CheckpointHead['uploads']> {
  const keys = options.keys ?? (await listCheckpoints(store, uuid, attempt, options))
  for (const key of keys.toReversed()) {
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
