import { longestTimer } from '../artifact/timers.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { attemptFolders } from './folders.ts'
import type { JobEntry } from './job-entry.ts'
import { removeFolder } from './remove-folder.ts'

const retryMilliseconds = 60_000

/** Removes released jobs when their time has come, with one timer for all. */
export class Removals {
  readonly #log: Log
  readonly #onRemoved: (job: JobEntry) => void
  readonly #jobs = new Set<JobEntry>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(log: Log, onRemoved: (job: JobEntry) => void) {
    this.#log = log
    this.#onRemoved = onRemoved
  }

  /** Removes the job at its record's `removeAt`; resolves when that is done where it is due by now. */
  async add(job: JobEntry): Promise<void> {
    this.#jobs.add(job)
    if (dueAt(job) <= Date.now()) await this.#remove(job)
    else await this.#removeResults(job)
    this.#arm()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#jobs.size === 0) return
    let next = Number.POSITIVE_INFINITY
    for (const job of this.#jobs) next = Math.min(next, dueAt(job))
    const delay = Math.min(Math.max(next - Date.now(), 0), longestTimer)
    this.#timer = setTimeout(() => void this.#removeDue(), delay)
  }

  async #removeDue(): Promise<void> {
    for (const job of [...this.#jobs]) {
      if (dueAt(job) <= Date.now()) await this.#remove(job)
    }
    this.#arm()
  }

  async #remove(job: JobEntry): Promise<void> {
    if (!this.#jobs.delete(job)) return
    try {
      await removeFolder(job.folders.root)
      this.#onRemoved(job)
    } catch (error) {
      this.#log.error(
        { job: job.uuid, error: messageOf(error) },
        "a job's folder can not be removed; tried again",
      )
      job.record.removeAt = Date.now() + retryMilliseconds
      this.#jobs.add(job)
    }
  }

  /** They stand in the store; on this disk they are only in the way. */
  async #removeResults({ record, uuid, folders }: JobEntry): Promise<void> {
    if (record.attempt === undefined) return
    const { result, input, work } = attemptFolders(folders.directory, uuid, record.attempt.uid)
    for (const folder of [result, input, work]) await removeFolder(folder).catch(() => undefined)
  }
}

function dueAt({ record }: JobEntry): number {
  return record.removeAt ?? Number.POSITIVE_INFINITY
}
