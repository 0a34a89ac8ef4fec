import type { LiveJob } from '../../../job/backend.ts'
import { stillWaiting } from '../../../job/dependencies/still-waiting.ts'
import type { Cause } from '../../../job/job.ts'
import type { AttemptsByJob, Stop } from '../../../job/state/observation.ts'
import type { Reports } from '../../../job/state/said-by-uploader.ts'
import { messageOf } from '../../../util/errors.ts'
import type { Log } from '../../../util/log.ts'
import { defined } from '../../../util/objects.ts'
import { isDueToFullDisk, writeProblem } from '../files/disk.ts'
import { writeDurably } from '../files/durable-files.ts'
import { type JobFolders, jobFolders } from '../files/job-folders.ts'
import { type LocalJobRecord, markDeleted } from './local-job-record.ts'
import { observeRecord } from './observe-record.ts'

/** A job in memory: its record, which save() writes to disk. */
export class LocalJob {
  readonly record: LocalJobRecord
  readonly folders: JobFolders
  /** By the uploader's log; not on disk. */
  said: Reports = {}
  /** True if processes of the attempt may run that the record does not name. */
  mayRun = false
  readonly #onChange: (uuid: string) => void
  #saved: Promise<void> = Promise.resolve()
  #sealed = false
  #live: LiveJob | undefined

  constructor(directory: string, record: LocalJobRecord, onChange: (uuid: string) => void) {
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
      ...defined({ madeBy: this.record.madeBy, rerunOf: this.record.rerunOf }),
      ...defined({ restart: this.record.restart }),
      inputsSha256: this.record.inputsSha256 ?? null,
      observation: structuredClone(observeRecord(this.record, this.said)),
      released: this.record.removeAt !== undefined,
    }
    return this.#live
  }

  /** Shows the record as it is now in live(), and tells listeners. */
  changed(): void {
    this.#live = undefined
    this.#onChange(this.uuid)
  }

  /** Ends the record of a job of which nothing runs any more. */
  end(cause: Cause | undefined): void {
    const at = Date.now()
    this.record.ended = { at, ...defined({ cause }) }
    if (this.record.attempt) this.record.attempt.endedAt ??= at
    this.record.environment = {}
    delete this.record.stepEnvironments
    // What its worker said outlives it.
    this.said = defined({ heard: this.said.heard })
  }

  /** Writes to disk for which jobs it still waits; without any it has begun. As writeStop(). */
  async writeWaiting(
    jobs: readonly string[],
    attempts: AttemptsByJob | undefined,
    now: number,
  ): Promise<void> {
    const { record } = this
    const before = record.waiting
    if (before === undefined) return
    if (jobs.length > 0) record.waiting = stillWaiting(before, jobs, attempts)
    else {
      delete record.waiting
      record.begunAt = now
    }
    try {
      await this.save()
    } catch (error) {
      record.waiting = before
      delete record.begunAt
      throw error
    }
  }

  /** Writes the decision to stop to disk; if that fails, the record stays as it was. */
  async writeStop(stop: Stop): Promise<void> {
    const before = this.record.stop
    this.record.stop = structuredClone(stop)
    try {
      await this.save().catch((error: unknown) => {
        if (stop.outcome !== 'deleted' || !isDueToFullDisk(error)) throw error
        return markDeleted(this.folders)
      })
    } catch (error) {
      if (before) this.record.stop = before
      else delete this.record.stop
      throw error
    }
  }

  /**
   * Writes the record to disk as it is now, after earlier saves; does nothing after seal(). Rejects
   * with Problem `unavailable`.
   */
  save(): Promise<void> {
    if (this.#sealed) return this.#saved
    const text = JSON.stringify(this.record)
    const saved = this.#saved.then(() => writeDurably(this.folders.record, text))
    this.#saved = saved.catch(() => undefined)
    return saved.catch((cause: unknown) => {
      throw writeProblem(this.folders.directory, cause)
    })
  }

  /** Shows the record, and saves it: a full disk must not keep a job from ending. */
  async trySave(log: Pick<Log, 'error'>): Promise<void> {
    this.changed()
    await this.save().catch((error: unknown) => {
      log.error({ job: this.uuid, error: messageOf(error) }, "a job's record can not be saved")
    })
  }

  /** Resolves once nothing writes into the folder any more: it is about to be removed. */
  async seal(): Promise<void> {
    this.#sealed = true
    await this.#saved
  }
}
