import { rm } from 'node:fs/promises'
import type { Clock } from '../../util/clock.ts'
import { messageOf } from '../../util/errors.ts'
import { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Log } from '../../util/log.ts'
import { Scheduler } from '../../util/scheduler.ts'
import { attemptFolders } from './files/job-folders.ts'
import { removeBelow, removeFolder } from './files/remove-folder.ts'
import type { LocalJob } from './record/local-job.ts'

const retryMilliseconds = 60_000

/** Removes the folder of each released job at its record's `removeAt`. */
export class ScheduledRemovals {
  readonly #log: Log
  readonly #clock: Clock
  readonly #onRemoved: (job: LocalJob) => void
  readonly #scheduler: Scheduler
  readonly #jobs = new Set<LocalJob>()
  /** A release and a deletion of one job may come at the same moment. */
  readonly #folders = new KeyedMutex()

  constructor(log: Log, clock: Clock, onRemoved: (job: LocalJob) => void) {
    this.#log = log
    this.#clock = clock
    this.#scheduler = new Scheduler(clock)
    this.#onRemoved = onRemoved
  }

  /** Resolves when the folder is removed, or later than now to be removed. */
  async add(job: LocalJob): Promise<void> {
    this.#jobs.add(job)
    if (dueAt(job) <= this.#clock.now()) return this.#remove(job)
    this.#schedule(job)
    await this.#folders.locked(job.uuid, () => removeResults(job))
  }

  /** Waits for removals under way; the next process does the others. */
  async close(): Promise<void> {
    await this.#scheduler.close()
  }

  #schedule(job: LocalJob): void {
    this.#scheduler.set(job.uuid, dueAt(job), () => this.#remove(job))
  }

  /** The record goes first: a folder without one is removed at the next start. */
  async #remove(job: LocalJob): Promise<void> {
    const unlock = await this.#folders.lock(job.uuid)
    try {
      if (!this.#jobs.delete(job)) return
      this.#scheduler.delete(job.uuid)
      await job.seal()
      await rm(job.folders.record, { force: true })
      await removeFolder(job.folders.root)
      this.#onRemoved(job)
    } catch (error) {
      const line = { job: job.uuid, error: messageOf(error) }
      this.#log.error(line, "a job's folder can not be removed; it is tried again")
      job.record.removeAt = this.#clock.now() + retryMilliseconds
      this.#jobs.add(job)
      this.#schedule(job)
    } finally {
      unlock()
    }
  }
}

/** The store has them: on this disk they only take up room. */
async function removeResults({ record, uuid, folders }: LocalJob): Promise<void> {
  if (record.attempt === undefined) return
  const { root } = attemptFolders(folders.directory, uuid, record.attempt.uid)
  for (const name of ['result', 'input', 'work']) await removeBelow(root, [name]).catch(() => undefined)
}

function dueAt({ record }: LocalJob): number {
  return record.removeAt ?? Number.POSITIVE_INFINITY
}
