import { Problem } from '../errors.ts'
import type { LiveJob } from '../job/backend.ts'
import type { Cause } from '../job/job.ts'
import type { Stop } from '../job/observation.ts'
import { writeDurably } from './durable.ts'
import { type JobFolders, jobFolders } from './folders.ts'
import { observe } from './observe.ts'
import type { JobRecord } from './record.ts'

/** A job in memory: its record, and the way to write that down. */
export class JobEntry {
  readonly record: JobRecord
  readonly folders: JobFolders
  /** What keeps the uploader from being ready; known in memory only. */
  blocked: Cause | undefined
  readonly #onChange: (uuid: string) => void
  #saved: Promise<void> = Promise.resolve()
  #live: LiveJob | undefined

  constructor(directory: string, record: JobRecord, onChange: (uuid: string) => void) {
    this.record = record
    this.folders = jobFolders(directory, record.uuid)
    this.#onChange = onChange
  }

  get uuid(): string {
    return this.record.uuid
  }

  live(): LiveJob {
    this.#live ??= {
      uuid: this.uuid,
      request: this.record.request,
      requestSha256: this.record.requestSha256,
      observation: structuredClone(observe(this.record, this.blocked)),
      released: this.record.removeAt !== undefined,
    }
    return this.#live
  }

  /** Shows the record as it is now to everybody who looks. */
  changed(): void {
    this.#live = undefined
    this.#onChange(this.uuid)
  }

  /** Writes a decision to stop down; the record stays as it was where that fails. */
  async writeStop(stop: Stop): Promise<void> {
    const before = this.record.stop
    this.record.stop = structuredClone(stop)
    try {
      await this.save()
    } catch (error) {
      if (before) this.record.stop = before
      else delete this.record.stop
      throw error
    }
  }

  /** Writes the record down as it is now; saves follow each other. Rejects with Problem `unavailable`. */
  save(): Promise<void> {
    const text = JSON.stringify(this.record)
    const saved = this.#saved.then(() => writeDurably(this.folders.record, text))
    this.#saved = saved.catch(() => undefined)
    return saved.catch((cause: unknown) => {
      throw new Problem('unavailable', "the job can't be written down in DATA_DIRECTORY", { cause })
    })
  }
}
