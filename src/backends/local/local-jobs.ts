import type { LiveJob } from '../../job/backend.ts'
import { messageOf, Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { writeProblem } from './files/disk.ts'
import { makeDirectoryDurably } from './files/durable-files.ts'
import { removeFolder } from './files/remove-folder.ts'
import { LocalJob } from './record/local-job.ts'
import type { LocalJobRecord } from './record/local-job-record.ts'
import { readRecords, recoverJob } from './recover.ts'

type Listener = (uuid: string) => void

/** All jobs of a data directory, on disk and in memory, and the listeners to their changes. */
export class LocalJobs {
  readonly #directory: string
  readonly #log: Log
  readonly #jobs = new Map<string, LocalJob>()
  readonly #listeners = new Set<Listener>()

  constructor(directory: string, log: Log) {
    this.#directory = directory
    this.#log = log
  }

  get(uuid: string): LocalJob | undefined {
    return this.#jobs.get(uuid)
  }

  all(): LocalJob[] {
    return [...this.#jobs.values()]
  }

  *live(): Generator<LiveJob> {
    for (const job of this.#jobs.values()) yield job.live()
  }

  /** Returns the function that unsubscribes `listener`. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  unsubscribeAll(): void {
    this.#listeners.clear()
  }

  /**
   * Reads the jobs that are on disk, oldest first, and finds what an earlier process left running
   * of them.
   */
  async recover(): Promise<void> {
    for (const record of await readRecords(this.#directory, this.#log)) {
      const job = this.#add(record)
      if (record.ended) continue
      try {
        await recoverJob(this.#directory, record, this.#log)
      } catch (error) {
        // Its run looks for its processes again, until they are found or known to be gone.
        job.mayRun = true
        this.#log.error(
          { job: record.uuid, error: messageOf(error) },
          'what is left of a job can not be found',
        )
        continue
      }
      const { stop, attempt } = record
      if (stop && (!attempt || stop.outcome === 'deleted')) job.end(stop.cause)
      // On a full disk the next start repeats it.
      await job.trySave(this.#log)
    }
  }

  /** Writes a new job to disk. Rejects with Problem `unavailable`; no folder is left then. */
  async create(record: LocalJobRecord): Promise<LocalJob> {
    const job = this.#jobOf(record)
    try {
      await makeDirectoryDurably(job.folders.root)
      await job.save()
    } catch (cause) {
      await removeFolder(job.folders.root).catch(() => undefined)
      throw cause instanceof Problem ? cause : writeProblem(this.#directory, cause)
    }
    this.#jobs.set(job.uuid, job)
    return job
  }

  /** Drops a job whose folder was removed. */
  forget(job: LocalJob): void {
    this.#jobs.delete(job.uuid)
    this.#notify(job.uuid)
  }

  #add(record: LocalJobRecord): LocalJob {
    const job = this.#jobOf(record)
    this.#jobs.set(job.uuid, job)
    return job
  }

  #jobOf(record: LocalJobRecord): LocalJob {
    return new LocalJob(this.#directory, record, (uuid) => this.#notify(uuid))
  }

  #notify(uuid: string): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(uuid)
      } catch (error) {
        this.#log.error({ job: uuid, error: messageOf(error) }, "a listener to a job's changes failed")
      }
    }
  }
}
