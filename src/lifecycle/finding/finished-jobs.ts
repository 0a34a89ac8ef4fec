import { type Job, states } from '../../job/job.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { type Clock, systemClock } from '../../util/clock.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { Semaphore } from '../../util/semaphore.ts'
import { listPosition } from '../records/list-position.ts'
import { type Records, readOrDamaged } from '../records/records.ts'
import { type FinishedJob, FinishedSet } from './finished-set.ts'
import { type JobNames, judgedNames } from './job-filter.ts'
import { readSegments, writeSegments } from './segments.ts'

export interface FinishedParts {
  store: ArtifactStore
  records: Pick<Records, 'list' | 'read'>
  log: Log
  /** The leader alone writes segments. */
  isLeader(): boolean
  /** Bytes of memory; older jobs than fit are looked up in the store. */
  memoryMax?: number
  clock?: Pick<Clock, 'now'>
}

/** Bytes: about 100,000 jobs. */
const defaultMemory = 32 * 2 ** 20
/** Number of jobs without a segment for which a new one is written. */
const leastForSegment = 500
const readAtOnce = 16
/** Milliseconds after which the index is listed again, to see what other processes changed. */
const relistAfter = 10_000
/** The largest share of time that listing the index may take. */
const listingShare = 0.05

/**
 * The finished jobs in memory, for filters. Nothing is read before the first filter; then index and
 * segments are, and from then on the records that this process writes, removes or sees following.
 */
export class FinishedJobs {
  readonly #parts: FinishedParts
  readonly #clock: Pick<Clock, 'now'>
  readonly #set: FinishedSet
  /** Undefined: it was not listed yet. */
  #listAgainAt: number | undefined
  #listing: Promise<void> | undefined
  readonly #reading = new Semaphore(readAtOnce)
  /** Reads that a list waits for: of jobs that are live no more. */
  readonly #following = new Set<Promise<void>>()
  #background: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: FinishedParts) {
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#set = new FinishedSet(parts.memoryMax ?? defaultMemory)
  }

  /**
   * Newest first. Older jobs than `rest`, a position, are in the store alone; undefined: there are
   * none. Rejects with StoreError.
   */
  async all(): Promise<{ jobs: readonly FinishedJob[]; rest: string | undefined }> {
    if (this.#listAgainAt === undefined) await this.#list()
    else if (this.#clock.now() >= this.#listAgainAt) {
      this.#list().catch((error: unknown) => this.#warn(error))
    }
    await Promise.all(this.#following)
    return { jobs: this.#set.jobs, rest: this.#set.rest }
  }

  /** Reads the records of jobs whose names aren't known; jobs that are gone stay without. */
  async name(jobs: readonly FinishedJob[]): Promise<void> {
    const rest = jobs.filter(({ names }) => names === undefined).values()
    const nameRest = async () => {
      for (const job of rest) await this.#name(job)
    }
    await Promise.all(Array.from({ length: readAtOnce }, nameRest))
  }

  /** This process wrote the job's record. */
  written(job: Job): void {
    if (!this.#isUsed) return
    const position = listPosition(job.job_uuid, Date.parse(job.created_at))
    const { job_uuid: uuid, state } = job
    this.#set.add({ uuid, position, state, names: judgedNames(job), inSegment: false })
  }

  /** This process removes the job's record. */
  removed(uuid: string): void {
    this.#set.remove(uuid)
  }

  /**
   * The job is live no more: another process may have written its record. A job of its uuid that is
   * known may be an older one, which another process has deleted.
   */
  letGo(uuid: string, createdAt: number | undefined): void {
    if (!this.#isUsed || this.#closed) return
    const known = this.#set.get(uuid)
    if (known && (createdAt === undefined || known.position === listPosition(uuid, createdAt))) return
    const following = this.#follow(uuid).finally(() => this.#following.delete(following))
    this.#following.add(following)
  }

  /** Resolves after the last write. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#background, ...this.#following])
  }

  get #isUsed(): boolean {
    return this.#listing !== undefined || this.#listAgainAt !== undefined
  }

  async #follow(uuid: string): Promise<void> {
    const leave = await this.#reading.acquire()
    try {
      const record = await this.#parts.records.read(uuid)
      if (record) this.written(record.job)
      else this.#set.remove(uuid)
    } catch (error) {
      this.#warn(error)
    } finally {
      leave()
    }
  }

  #list(): Promise<void> {
    this.#listing ??= this.#listOnce().finally(() => {
      this.#listing = undefined
    })
    return this.#listing
  }

  async #listOnce(): Promise<void> {
    const { store, records } = this.#parts
    const began = this.#clock.now()
    const saved = new Map<string, JobNames>()
    const keep = sharedNames()
    // After the first reading only few jobs lack names: their records are read.
    if (this.#listAgainAt === undefined) {
      await readSegments(store, ({ position, names }) => saved.set(position, keep(names)))
    }
    const known = (uuid: string) => this.#set.get(uuid)
    const listed = async function* () {
      for await (const { position, uuid, state: said } of records.list()) {
        const before = known(uuid)
        const isSame = before?.position === position && before.state === said
        const job = isSame ? before : finishedJob(position, uuid, said, saved.get(position))
        if (job) yield job
      }
    }
    await this.#set.replace(listed())
    const now = this.#clock.now()
    this.#listAgainAt = now + Math.max(relistAfter, (now - began) / listingShare)
    this.#background = this.#background
      .then(() => this.#complete())
      .catch((error: unknown) => this.#warn(error))
  }

  /** Reads the records of jobs that no segment has, and writes a segment of them. */
  async #complete(): Promise<void> {
    const { store, isLeader } = this.#parts
    const { jobs } = this.#set
    for (let at = 0; at < jobs.length && !this.#closed; at += readAtOnce) {
      await this.name(jobs.slice(at, at + readAtOnce))
    }
    const unsaved = this.#set.jobs.flatMap((job) =>
      job.names && !job.inSegment ? [{ ...job, names: job.names, job }] : [],
    )
    if (unsaved.length < leastForSegment || this.#closed || !isLeader()) return
    await writeSegments(store, unsaved)
    for (const { job } of unsaved) job.inSegment = true
  }

  async #name(job: FinishedJob): Promise<void> {
    const record = await readOrDamaged(this.#parts.records, job.uuid)
    if (record === undefined) this.#set.remove(job.uuid)
    else this.#set.setNames(job, record === 'damaged' ? { job: null } : judgedNames(record.job))
  }

  #warn(error: unknown): void {
    if (this.#closed) return
    this.#parts.log.warn(
      { error: messageOf(error) },
      'reading the finished jobs for filters failed and is repeated',
    )
  }
}

/** A job of the index, with its names in a segment; undefined if there is no such state. */
export function finishedJob(
  position: string,
  uuid: string,
  said: string,
  names?: JobNames,
): FinishedJob | undefined {
  const state = states.find((one) => one === said)
  return state && { uuid, position, state, names, inSegment: names !== undefined }
}

/** Equal names as one object: most jobs of an installation have the same. */
function sharedNames(): (names: JobNames) => JobNames {
  const known = new Map<string, JobNames>()
  return (names) => {
    const text = JSON.stringify(names)
    const before = known.get(text)
    if (before) return before
    known.set(text, names)
    return names
  }
}
