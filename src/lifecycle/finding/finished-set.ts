import type { State } from '../../job/job.ts'
import { indexAfter } from '../newest-first.ts'
import type { JobNames } from './job-filter.ts'

/** A finished job as filters see it. */
export interface FinishedJob {
  readonly uuid: string
  readonly position: string
  readonly state: State
  /** Undefined until its segment or its record was read. */
  names: JobNames | undefined
  /** A segment in the store has its names. */
  inSegment: boolean
}

/** Bytes of memory for a job without its names. */
const entryBytes = 250

/** The newest finished jobs in their order, as many as fit into `bytesMax` of memory. */
export class FinishedSet {
  readonly #bytesMax: number
  #jobs: readonly FinishedJob[] = []
  #byUuid = new Map<string, FinishedJob>()
  #bytes = 0
  #rest: string | undefined
  /** Changes made while replace() reads. */
  #changes: Map<string, FinishedJob | undefined> | undefined

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Sorted by position; a later change makes a new list. */
  get jobs(): readonly FinishedJob[] {
    return this.#jobs
  }

  /** The position of the last one, if older ones didn't fit; undefined: all are here. */
  get rest(): string | undefined {
    return this.#rest
  }

  get(uuid: string): FinishedJob | undefined {
    return this.#byUuid.get(uuid)
  }

  add(job: FinishedJob): void {
    this.#changes?.set(job.uuid, job)
    if (this.#rest !== undefined && job.position > this.#rest) return
    this.#drop(job.uuid)
    this.#byUuid.set(job.uuid, job)
    this.#jobs = this.#jobs.toSpliced(indexAfter(this, job.position), 0, job)
    this.#bytes += sizeOf(job)
    this.#shrink()
  }

  remove(uuid: string): void {
    this.#changes?.set(uuid, undefined)
    this.#drop(uuid)
  }

  /** Its names were read. */
  setNames(job: FinishedJob, names: JobNames): void {
    if (job.names !== undefined) return
    job.names = names
    if (this.#byUuid.get(job.uuid) !== job) return
    this.#bytes += sizeOf(job) - entryBytes
    this.#shrink()
  }

  /**
   * All jobs, sorted by position; further ones than fit are not asked for. What is added or removed
   * meanwhile stays so. One call at a time.
   */
  async replace(sorted: AsyncIterable<FinishedJob>): Promise<void> {
    const changes = new Map<string, FinishedJob | undefined>()
    this.#changes = changes
    try {
      const jobs: FinishedJob[] = []
      let bytes = 0
      let rest: string | undefined
      for await (const job of sorted) {
        bytes += sizeOf(job)
        if (bytes > this.#bytesMax) {
          rest = jobs.at(-1)?.position ?? ''
          break
        }
        jobs.push(job)
      }
      this.#become(jobs, rest)
    } finally {
      this.#changes = undefined
    }
    for (const [uuid, job] of changes) {
      if (job) this.add(job)
      else this.remove(uuid)
    }
  }

  #become(jobs: readonly FinishedJob[], rest: string | undefined): void {
    this.#jobs = jobs
    this.#byUuid = new Map(jobs.map((job) => [job.uuid, job]))
    this.#rest = rest
    // Names may have been read meanwhile.
    this.#bytes = jobs.reduce((sum, job) => sum + sizeOf(job), 0)
    this.#shrink()
  }

  #drop(uuid: string): void {
    const job = this.#byUuid.get(uuid)
    if (job === undefined) return
    this.#byUuid.delete(uuid)
    this.#jobs = this.#jobs.filter((one) => one !== job)
    this.#bytes -= sizeOf(job)
  }

  #shrink(): void {
    let kept = this.#jobs.length
    while (kept > 0 && this.#bytes > this.#bytesMax) {
      const oldest = this.#jobs[--kept]
      if (oldest === undefined) break
      this.#byUuid.delete(oldest.uuid)
      this.#bytes -= sizeOf(oldest)
    }
    if (kept === this.#jobs.length) return
    this.#jobs = this.#jobs.slice(0, kept)
    this.#rest = this.#jobs.at(-1)?.position ?? ''
  }
}

/** At most two bytes a character. */
function sizeOf({ names }: FinishedJob): number {
  return entryBytes + (names === undefined ? 0 : 2 * JSON.stringify(names).length)
}
