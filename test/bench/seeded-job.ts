import { randomBytes, randomUUID } from 'node:crypto'
import { createRecords } from '../../src/lifecycle/records/records.ts'
import { type Entry, pathBytes } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { addToTally, emptyTally } from '../../src/result-format/tally.ts'
import { putStream } from '../../src/store/put-stream.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { putRecord, putResult } from '../support/store/finished-jobs.ts'

const mebibyte = 1024 * 1024

/** A finished job that was put into the store without a run. */
export interface SeededJob {
  uuid: string
  attempt: string
}

/** Puts files of random bytes into the store as a job's results. */
export async function seedFiles(
  store: ArtifactStore,
  files: Iterable<readonly [name: string, bytes: number]>,
): Promise<SeededJob> {
  const job = { uuid: randomUUID(), attempt: randomUUID() }
  const entries: Entry[] = []
  const rest = files[Symbol.iterator]()
  const send = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const [path, bytes] = next.value
      entries.push(await putFile(store, job, path, bytes))
    }
  }
  await Promise.all(Array.from({ length: 16 }, send))
  entries.sort((a, b) => Buffer.compare(pathBytes(a), pathBytes(b)))
  await commit(store, job, () => entries)
  return job
}

/**
 * Puts a result of `count` entries that all share one object, for
 * benchmarks of the number of entries.
 */
export async function seedEntries(store: ArtifactStore, count: number): Promise<SeededJob> {
  const job = { uuid: randomUUID(), attempt: randomUUID() }
  const file = await putFile(store, job, 'object', 4096)
  await commit(store, job, function* () {
    for (let number = 0; number < count; number += 1)
      yield { ...file, path: `files/${String(number).padStart(8, '0')}.json` }
  })
  return job
}

async function putFile(
  store: ArtifactStore,
  { uuid, attempt }: SeededJob,
  path: string,
  bytes: number,
): Promise<Entry> {
  const { size, sha256, etag } = await putStream(store, jobKeys.file(uuid, attempt, path), blocks(bytes))
  const mtime = '2026-01-02T03:04:05.000000000Z'
  return { path, type: 'file', size, mode: '0644', mtime, sha256, key: path, etag }
}

async function* blocks(bytes: number): AsyncGenerator<Uint8Array> {
  const block = randomBytes(Math.min(bytes, mebibyte))
  for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length))
}

async function commit(store: ArtifactStore, { uuid, attempt }: SeededJob, entries: () => Iterable<Entry>) {
  const tally = emptyTally()
  for (const entry of entries()) addToTally(tally, entry)
  const { count, bytes } = tally
  const now = Date.now()
  await putResult(store, uuid, attempt, now, { entries: entries(), count, bytes })
  await putRecord(createRecords(store), uuid, attempt, now, { count, bytes })
}
