import { LRUCache } from 'lru-cache'
import { layout } from '../artifact/layout.ts'
import { readIfAny } from '../artifact/read-whole.ts'
import { type ArtifactStore, isOccupied } from '../artifact/store.ts'
import { Problem } from '../errors.ts'
import { isFinal, type Job, states } from '../job/job.ts'
import type { JobRequest } from '../job/request.ts'
import { agendaKey } from './janitor/agenda.ts'
import { looksOf } from './janitor/schedule.ts'

/** A finished job as it outlives its Job object: `jobs/<uuid>/job.json`. */
export interface JobRecord {
  version: 1
  job: Job
  /** Values of environments blanked. */
  request: JobRequest
  request_sha256: string
  /** When it was first archived; RFC 3339, as all times. */
  ended_at: string
  /** When its result is past its time; absent: never. */
  expires_at?: string
  /** Of each archived log, whether its beginning is there; null where that can't be told. */
  logs: Partial<Record<'worker' | 'uploader', { from_beginning: boolean | null }>>
}

/** Final records and their index, in the store. Rejects with StoreError. */
export interface Records {
  /** Rejects with a Problem `result-damaged` where it is not what was written: isDamagedRecord(). */
  read(uuid: string): Promise<JobRecord | undefined>
  /**
   * The janitor's entry first, so that none is missing; the record; then what lists it: what is listed can be read.
   * Of several processes that finish one job, the first one's record stands, and is listed by each.
   */
  write(record: JobRecord): Promise<void>
  /**
   * Newest first, from behind `after` (a position), of which the caller takes about `expected`; the record is read
   * when it is asked for.
   */
  list(options?: { after?: string | undefined; expected?: number }): AsyncIterable<IndexEntry>
  /** Removes record and entries, so that nobody sees the job any more. */
  remove(uuid: string): Promise<void>
}

export interface IndexEntry {
  uuid: string
  /** Where the job stands in the list: a later one's sorts before an earlier one's. */
  position: string
  /** The job's last. */
  state: string
  read(): Promise<ListedRecord | undefined>
}

/** What a list shows of a record. */
export type ListedRecord = Pick<JobRecord, 'job' | 'expires_at'>

export function isDamagedRecord(error: unknown): boolean {
  return error instanceof Problem && error.code === 'result-damaged'
}

/** As Records.read(), for whom a damaged record is one among others. */
export async function readOrDamaged(
  records: Pick<Records, 'read'>,
  uuid: string,
): Promise<JobRecord | undefined | 'damaged'> {
  try {
    return await records.read(uuid)
  } catch (error) {
    if (isDamagedRecord(error)) return 'damaged'
    throw error
  }
}

/** `<13 digits>-<uuid>`: sorts newer jobs first. */
export function listPosition(uuid: string, createdAt: number): string {
  return `${String(9999999999999 - createdAt).padStart(13, '0')}-${uuid}`
}

/** The uuid in a position, or undefined where the text is none. */
export function positionUuid(position: string): string | undefined {
  return /^\d{13}-([0-9a-f-]{36})$/.exec(position)?.[1]
}

/** When the job was created, in milliseconds since the epoch. */
export function positionTime(position: string): number {
  return 9999999999999 - Number(position.slice(0, 13))
}

export function createRecords(store: ArtifactStore): Records {
  // Only what the index lists is taken from here, and a final record never changes.
  const listed = new LRUCache<string, ListedRecord>({ max: 10_000 })

  async function read(uuid: string): Promise<JobRecord | undefined> {
    const bytes = await readIfAny(store, layout.record(uuid))
    return bytes && decode(uuid, bytes.toString('utf8'))
  }

  return {
    read,

    async write(record) {
      const [first] = looksOf(record)
      if (first !== undefined) await store.put(agendaKey(first, record.job.job_uuid), Buffer.alloc(0))
      const key = layout.record(record.job.job_uuid)
      const body = Buffer.from(`${JSON.stringify(record, null, 1)}\n`)
      let standing = record
      try {
        await store.put(key, body, undefined, { ifAbsent: true })
      } catch (error) {
        if (!isOccupied(error)) throw error
        const there = await readOrDamaged({ read }, record.job.job_uuid)
        if (there !== 'damaged' && there?.job.created_at === record.job.created_at) standing = there
        else await store.put(key, body)
      }
      await store.put(indexKey(standing.job), Buffer.alloc(0))
    },

    async *list({ after, expected } = {}) {
      const options = {
        // `~` sorts behind every state.
        ...(after === undefined ? {} : { after: `index/${after}-~` }),
        ...(expected === undefined ? {} : { expected }),
      }
      for await (const { key } of store.list('index/', options)) {
        const [, position, uuid, state] = /^index\/(\d{13}-([0-9a-f-]{36}))-([a-z]+)$/.exec(key) ?? []
        if (position === undefined || uuid === undefined || state === undefined) continue
        yield {
          uuid,
          position,
          state,
          async read() {
            const known = listed.get(key)
            if (known) return known
            const record = await read(uuid)
            if (record === undefined) return undefined
            // Without its request, which is most of it.
            const { job, expires_at } = record
            const shown = { job, ...(expires_at === undefined ? {} : { expires_at }) }
            listed.set(key, shown)
            return shown
          },
        }
      }
    },

    async remove(uuid) {
      const record = await readOrDamaged({ read }, uuid)
      if (record === 'damaged') {
        // It doesn't say when the job was created and ended, so that its entries have to be looked for.
        for (const prefix of ['index/', 'agenda/']) {
          for await (const { key } of store.list(prefix)) if (key.includes(uuid)) await store.remove([key])
        }
      } else if (record) {
        const listed = states.filter(isFinal).map((state) => indexKey({ ...record.job, state }))
        await store.remove([...listed, ...looksOf(record).map((at) => agendaKey(at, uuid))])
      }
      await store.remove([layout.record(uuid)])
    },
  }
}

function decode(uuid: string, text: string): JobRecord {
  try {
    const record = JSON.parse(text) as Partial<JobRecord> | null
    if (record?.job?.job_uuid === uuid && record.request !== undefined) return record as JobRecord
  } catch {
    // Said below.
  }
  const detail = `The record of job ${uuid} in the store (${layout.record(uuid)}) is not what was written`
  throw new Problem('result-damaged', `${detail}; its results may still be there`)
}

function indexKey(job: Job): string {
  return `index/${listPosition(job.job_uuid, Date.parse(job.created_at))}-${job.state}`
}
