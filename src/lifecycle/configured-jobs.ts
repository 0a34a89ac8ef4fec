import { type FSWatcher, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../errors.ts'
import type { ConfiguredJob } from '../job/request-schema.ts'
import type { Log } from '../log.ts'
import { type JobFile, listJobFiles, readJobFile } from './job-files.ts'

/** The jobs of JOBS_DIRECTORY; close() ends the look-out for changes. */
export interface LoadedJobs {
  get(name: string): ConfiguredJob | undefined
  /** Sorted. */
  names(): string[]
  close(): void
}

/** For file systems that report no changes, and what was missed. */
const pollMilliseconds = 10_000
/** Editors and kubectl write several files, or one in several steps. */
const settleMilliseconds = 100

/**
 * Reads a folder's `*.yaml`, each a configured job named as its file, and again whenever they change. Rejects with
 * an Error that names every file that is wrong and its field. One that becomes wrong later is logged, and stays as
 * it was before. A folder that doesn't exist counts as empty.
 */
export async function loadConfiguredJobs(directory: string, log: Log): Promise<LoadedJobs> {
  const jobs = new JobsDirectory(directory, log)
  await jobs.start()
  return jobs
}

class JobsDirectory implements LoadedJobs {
  readonly #directory: string
  readonly #log: Log
  readonly #closing = new AbortController()
  #files = new Map<string, JobFile>()
  #jobs = new Map<string, ConfiguredJob>()
  #watcher: FSWatcher | undefined
  #changed = Promise.withResolvers<void>()

  constructor(directory: string, log: Log) {
    this.#directory = directory
    this.#log = log
  }

  async start(): Promise<void> {
    const problems = await this.#read()
    if (problems.length > 0) throw new Error(`configured jobs: ${problems.join('; ')}`)
    if (this.#jobs.size === 0) this.#log.warn({ directory: this.#directory }, 'no job is configured')
    void this.#follow()
  }

  get(name: string): ConfiguredJob | undefined {
    return this.#jobs.get(name)
  }

  names(): string[] {
    return [...this.#jobs.keys()].sort()
  }

  close(): void {
    this.#closing.abort()
    this.#watcher?.close()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      this.#watch()
      try {
        await Promise.race([
          this.#changed.promise,
          delay(pollMilliseconds, undefined, { signal, ref: false }),
        ])
        await delay(settleMilliseconds, undefined, { signal, ref: false })
        this.#changed = Promise.withResolvers<void>()
        for (const problem of await this.#read()) {
          this.#log.error({ problem }, 'a configured job is wrong; it stays as it was')
        }
      } catch (error) {
        if (!signal.aborted) this.#log.error({ error: messageOf(error) }, 'configured jobs can not be read')
      }
    }
  }

  /** The folder, not its files: in a mounted ConfigMap they are links that never change, only `..data` does. */
  #watch(): void {
    if (this.#watcher !== undefined) return
    try {
      this.#watcher = watch(this.#directory, { persistent: false })
      this.#watcher.on('change', () => this.#changed.resolve())
      this.#watcher.on('error', () => this.#watcher?.close())
      this.#watcher.on('close', () => {
        this.#watcher = undefined
      })
    } catch {
      // No such folder yet, or no watches left: the poll has to do.
    }
  }

  /** Reads what has changed; what is wrong, for people. */
  async #read(): Promise<string[]> {
    const found = await listJobFiles(this.#directory)
    const jobs = new Map<string, ConfiguredJob>()
    const problems: string[] = []
    for (const [name, file] of found) {
      let job = this.#jobs.get(name)
      if (this.#files.get(name)?.version !== file.version) {
        try {
          job = await readJobFile(name, file.path)
          if (this.#files.size > 0) this.#log.info({ job: name }, 'a configured job was read again')
        } catch (error) {
          problems.push(messageOf(error))
        }
      }
      if (job) jobs.set(name, job)
    }
    this.#files = found
    this.#jobs = jobs
    return problems
  }
}
