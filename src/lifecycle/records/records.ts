import { LRUCache } from 'lru-cache'
import { isFinal, type Job, states } from '../../job/job.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { readIfAny } from '../../store/read-whole.ts'
import { type ArtifactStore, isPreconditionFailed } from '../../store/store.ts'
import { Problem } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { agendaKey } from './agenda.ts'
import { completed, type FinalRecord, type ListedRecord } from './final-record.ts'
import { listPosition } from './list-position.ts'
import { inspectionTimes } from './retention.ts'

/** Final records and their index, in the store. Rejects with StoreError. */
export interface Records {
  /**
   * Rejects with a Problem `result-damaged` if the record is not what was written:
   * isDamagedRecord().
   */
  read(uuid: string): Promise<FinalRecord | undefined>
  /**
   * Writes the agenda's entry first, so that the janitor misses no record; then the record; then
   * its index entry, so that each listed record can be read. If several processes archive a job,
   * the first one's record counts.
   */
  write(record: FinalRecord): Promise<void>
  /**
   * Newest first, from the position after `after`; the caller takes about `expected` entries. A
   * record is read when its entry's read() is called.
   */
  list(options?: { after?: string | undefined; expected?: number }): AsyncIterable<IndexEntry>
  /** What list()'s entry of that job would read. */
  listed(entry: Pick<IndexEntry, 'uuid' | 'position' | 'state'>): Promise<ListedRecord | undefined>
  /** Removes a job's record and entries, so that callers don't see the job any more. */
  remove(uuid: string): Promise<void>
}

export interface IndexEntry {
  uuid: string
  /** The job's position in the list: a newer job's sorts before an older one's. */
  position: string
  /** The job's final state. */
  state: string
  read(): Promise<ListedRecord | undefined>
}

export function isDamagedRecord(error: unknown): boolean {
  return error instanceof Problem && error.code === 'result-damaged'
}

/** As Records.read(), for callers that go on with a damaged record. */
export async function readOrDamaged(
  records: Pick<Records, 'read'>,
  uuid: string,
): Promise<FinalRecord | undefined | 'damaged'> {
  try {
    return await records.read(uuid)
  } catch (error) {
    if (isDamagedRecord(error)) return 'damaged'
    throw error
  }
}

/** Is told what this process changes. */
export interface RecordsListener {
  written(job: Job): void
  removed(uuid: string): void
}

export function createRecords(store: ArtifactStore, listener?: () => RecordsListener): Records {
  // By index keys: a record that is listed never changes.
  const listed = new LRUCache<string, ListedRecord>({ max: 10_000 })

  const read = (uuid: string) => readRecord(store, uuid)

  const readListed = async (key: string, uuid: string) => {
    const known = listed.get(key)
    if (known) return known
    const record = await read(uuid)
    if (record === undefined) return undefined
    // Without the request, which is the largest part of a record.
    const { job, expires_at } = record
    const shown = { job, ...defined({ expires_at }) }
    listed.set(key, shown)
    return shown
  }

  return {
    read,

    async write(record) {
      const { job } = await writeRecord(store, record)
      listener?.().written(job)
    },

    async *list({ after, expected } = {}) {
      const options = {
        // `~` sorts after every state.
        ...(after !== undefined && { after: `index/${after}-~` }),
        ...defined({ expected }),
      }
      for await (const { key } of store.list('index/', options)) {
        const [, position, uuid, state] = /^index\/(\d{13}-([0-9a-f-]{36}))-([a-z]+)$/.exec(key) ?? []
        if (position === undefined || uuid === undefined || state === undefined) continue
        yield {
          uuid,
          position,
          state,
          read: () => readListed(key, uuid),
        }
      }
    },

    listed: ({ uuid, position, state }) => readListed(`index/${position}-${state}`, uuid),

    async remove(uuid) {
      await removeRecord(store, uuid)
      listener?.().removed(uuid)
    },
  }
}

async function readRecord(store: ArtifactStore, uuid: string): Promise<FinalRecord | undefined> {
  const bytes = await readIfAny(store, jobKeys.record(uuid))
  return bytes && decode(uuid, bytes.toString('utf8'))
}

/** Resolves with the record that counts. */
async function writeRecord(store: ArtifactStore, record: FinalRecord): Promise<FinalRecord> {
  const [first] = inspectionTimes(record)
  if (first !== undefined) await store.put(agendaKey(first, record.job.job_uuid), Buffer.alloc(0))
  const key = jobKeys.record(record.job.job_uuid)
  const body = Buffer.from(`${JSON.stringify(record, null, 1)}\n`)
  let standing = record
  try {
    await store.put(key, body, undefined, { ifAbsent: true })
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error
    const there = await readOrDamaged(recordsIn(store), record.job.job_uuid)
    if (there !== 'damaged' && there?.job.created_at === record.job.created_at) standing = there
    else await store.put(key, body)
  }
  await store.put(indexKey(standing.job), Buffer.alloc(0))
  return standing
}

async function removeRecord(store: ArtifactStore, uuid: string): Promise<void> {
  const record = await readOrDamaged(recordsIn(store), uuid)
  if (record === 'damaged') {
    // Its entries' keys contain times that only the record has, so the entries are searched.
    for (const prefix of ['index/', 'agenda/']) {
      for await (const { key } of store.list(prefix)) if (key.includes(uuid)) await store.remove([key])
    }
  } else if (record) {
    const listed = states.filter(isFinal).map((state) => indexKey({ ...record.job, state }))
    await store.remove([...listed, ...inspectionTimes(record).map((at) => agendaKey(at, uuid))])
  }
  await store.remove([jobKeys.record(uuid)])
}

function recordsIn(store: ArtifactStore): Pick<Records, 'read'> {
  return { read: (uuid) => readRecord(store, uuid) }
}

function decode(uuid: string, text: string): FinalRecord {
  try {
    const record = JSON.parse(text) as Partial<FinalRecord> | null
    if (record?.job?.job_uuid === uuid && record.request !== undefined)
      return completed(record as FinalRecord)
  } catch {
    // The Problem below says so.
  }
  const detail = `The record of job ${uuid} in the store (${jobKeys.record(uuid)}) differs from the one that was written`
  throw new Problem('result-damaged', `${detail}; its results may still be there`)
}

function indexKey(job: Job): string {
  return `index/${listPosition(job.job_uuid, Date.parse(job.created_at))}-${job.state}`
}
