import type { Readable } from 'node:stream'
import { type ArtifactStore, isNotFound, StoreError } from '../../store/store.ts'
import { flatten } from '../../util/lines.ts'
import { jobKeys } from '../job-keys.ts'
import type { CheckpointHead, CheckpointLine } from '../manifest/manifest.ts'
import { DamagedCheckpoint, parseCheckpoint } from './checkpoint-format.ts'

interface Options {
  signal?: AbortSignal
}

export interface Checkpoint {
  head: CheckpointHead
  /** May be iterated once. Throws DamagedCheckpoint at the end if the checkpoint is incomplete. */
  lines: AsyncIterable<CheckpointLine>
  /** Closes the connection; a caller that does not iterate `lines` must call it. */
  close(): void
}

/**
 * Reads a checkpoint; undefined if it does not exist. Rejects with DamagedCheckpoint and
 * StoreError.
 */
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
    // return() before the first next() only marks a generator as done and would not close the
    // stream.
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
  for await (const { key } of store.list(jobKeys.checkpoints(uuid, attempt), options)) keys.push(key)
  return keys
}

/**
 * As listCheckpoints(), for an uploader, which may not list the bucket: checks number after number,
 * as numbers have no gaps. AWS then answers 403 instead of 404 for a missing object; if the first
 * checkpoint, which every attempt has, is readable, a 403 means that the number is missing. Rejects
 * with StoreError.
 */
export async function findCheckpoints(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const isThere = async (number: number) =>
    (await store.head(jobKeys.checkpoint(uuid, attempt, number), signal)) !== undefined
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
    // If the first one is readable, check again: the credentials may have been renewed in between.
    if (there === undefined && (await isThere(1))) there = await isThereOrDenied(number)
    if (!there) return keys
    keys.push(jobKeys.checkpoint(uuid, attempt, number))
  }
}

/**
 * The open uploads in parts that the newest readable checkpoint of an attempt names; they must be
 * aborted before the attempt is removed. `keys` are the checkpoints' keys, else it lists them.
 * Rejects with StoreError.
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
