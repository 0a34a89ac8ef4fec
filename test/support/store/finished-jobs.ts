import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { createRecords, type Records } from '../../../src/lifecycle/records/records.ts'
import type { Entry } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { writeManifest } from '../../../src/result-format/manifest/manifest-writer.ts'
import { putStream } from '../../../src/store/put-stream.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { finalRecord } from '../api/job-answer.ts'
import { jobRequest } from '../api/job-request.ts'
import { each } from '../each.ts'

const atOnce = 32
const content = Buffer.from('what a worker left\n')

/**
 * Puts succeeded jobs with one file each into the store, as API and uploader leave them,
 * with an empty agenda for the janitor. The newest was created at `newest` (ms since the
 * epoch), each further job a minute earlier. Without `results` it puts only the records.
 * Resolves with the uuids, newest first.
 */
export async function putFinishedJobs(
  store: ArtifactStore,
  count: number,
  newest: number,
  { results = true } = {},
): Promise<string[]> {
  const records = createRecords(store)
  const uuids = Array.from({ length: count }, () => randomUUID())
  const put = async (uuid: string, createdAt: number) => {
    const attempt = randomUUID()
    const size = { count: 1, bytes: content.length }
    if (results) {
      const file = await putContent(store, uuid, attempt, 'result.txt', content)
      await putResult(store, uuid, attempt, createdAt, { entries: [file], ...size })
      await store.put(jobKeys.log(uuid, attempt, 'worker'), Buffer.from('what it said\n'))
    }
    await putRecord(records, uuid, attempt, createdAt, size)
  }
  await inTurn(uuids, (uuid, index) => put(uuid, newest - index * 60_000))
  await clearAgenda(store)
  return uuids
}

/** A job with very many files; only readable files have their bytes in the store. */
export interface LargeResult {
  uuid: string
  /** The path of the file at this index of the listing. */
  path(index: number): string
  /** True for the files with bytes in the store: the first 256 and every thousandth. */
  readable(index: number): boolean
  content: Buffer
}

const readableAtFirst = 256
const readableEvery = 1000

/**
 * Puts a job with `count` equal files of 4 KiB into an S3 store, a thousand in each folder. Its
 * entries share one ETag, because equal bytes have equal ETags there.
 */
export async function putLargeResult(
  store: ArtifactStore,
  count: number,
  createdAt: number,
): Promise<LargeResult> {
  const uuid = randomUUID()
  const attempt = randomUUID()
  const body = Buffer.alloc(4096, 'jobferry ')
  const path = (index: number) => {
    return `${String(Math.floor(index / 1000)).padStart(4, '0')}/${String(index % 1000).padStart(3, '0')}.bin`
  }
  const readable = (index: number) => index < readableAtFirst || index % readableEvery === 0
  const entry = await putContent(store, uuid, attempt, path(0), body)
  const existing = Array.from({ length: count }, (_, index) => index).filter(readable)
  await inTurn(existing, (index) => putContent(store, uuid, attempt, path(index), body))
  const entries = function* (): Generator<Entry> {
    for (let index = 0; index < count; index++) yield { ...entry, path: path(index), key: path(index) }
  }
  const size = { count, bytes: count * body.length }
  await putResult(store, uuid, attempt, createdAt, { entries: entries(), ...size })
  await putRecord(createRecords(store), uuid, attempt, createdAt, size)
  await clearAgenda(store)
  return { uuid, path, readable, content: body }
}

async function putContent(
  store: ArtifactStore,
  uuid: string,
  attempt: string,
  path: string,
  body: Buffer,
): Promise<Entry> {
  const { etag } = await store.put(jobKeys.file(uuid, attempt, path), body)
  return {
    path,
    type: 'file',
    size: body.length,
    mode: '0644',
    mtime: '2026-01-02T03:04:05.123456789Z',
    sha256: createHash('sha256').update(body).digest('hex'),
    key: path,
    etag,
  }
}

/** Puts an attempt's manifest; `entries` must be in the order of their paths. */
export async function putResult(
  store: ArtifactStore,
  job: string,
  attempt: string,
  createdAt: number,
  { entries, ...size }: { entries: Iterable<Entry>; count: number; bytes: number },
): Promise<void> {
  const head = { version: 1, job, attempt, scan_started_at: at(createdAt, 30), ...size, errors: 0 } as const
  const bytes = Readable.from(writeManifest(head, each(entries)))
  await putStream(store, jobKeys.manifest(job, attempt), bytes)
}

/** Puts the record of a succeeded job. */
export async function putRecord(
  records: Records,
  uuid: string,
  attempt: string,
  createdAt: number,
  size: { count: number; bytes: number },
): Promise<void> {
  await records.write(
    finalRecord(
      {
        job_uuid: uuid,
        attempt: { number: 1, uid: attempt },
        created_at: at(createdAt, 0),
        started_at: at(createdAt, 10),
        finished_at: at(createdAt, 29),
        result: { state: 'complete', ...size },
      },
      {
        request: jobRequest({ image: 'docker.io/library/busybox:latest' }),
        request_sha256: createHash('sha256').update(uuid).digest('hex'),
        ended_at: at(createdAt, 31),
        logs: { worker: { from_beginning: true } },
      },
    ),
  )
}

function at(createdAt: number, seconds: number): string {
  return new Date(createdAt + seconds * 1000).toISOString()
}

/** Empties the janitor's agenda, as the janitor's last pass does. */
async function clearAgenda(store: ArtifactStore): Promise<void> {
  const due: string[] = []
  for await (const { key } of store.list('agenda/')) due.push(key)
  await store.remove(due)
}

async function inTurn<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
