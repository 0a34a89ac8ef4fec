import { type FSWatcher, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConfiguredJob } from '../../job/request/request-schema.ts'
import { messageOf, StartError } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { type JobFile, listJobFiles, readJobFile } from './job-files.ts'

/** The jobs of JOBS_DIRECTORY; close() ends watching for changes. */
export interface LoadedJobs {
  get(name: string): ConfiguredJob | undefined
  /** Sorted. */
  names(): string[]
  close(): void
}

/** For file systems that report no changes, and for missed reports. */
const pollMilliseconds = 10_000
/** Editors and kubectl write several files, or a file in several steps. */
const settleMilliseconds = 100
/** Bound of one line of the log. */
const mostNamed = 20

/**
 * Reads the `*.yaml` and `*.yml` of a folder, each a configured job with its file's name, and reads them again
 * when they change. Rejects with a StartError that names each wrong file and its fields. A job whose
 * file becomes wrong later stays as it was, and the error is logged. A folder that doesn't exist
 * counts as empty.
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
  #ignored: readonly string[] = []
  #others: readonly string[] = []
  #jobs = new Map<string, ConfiguredJob>()
  #watcher: FSWatcher | undefined
  #changed = Promise.withResolvers<void>()

  constructor(directory: string, log: Log) {
    this.#directory = directory
    this.#log = log
  }

  async start(): Promise<void> {
    const problems = await this.#read()
    if (problems.length > 0) throw new StartError(`configured jobs: ${problems.join('; ')}`)
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
          this.#log.error(
            { problem },
            'the file of a configured job is invalid; its last valid version stays in use',
          )
        }
      } catch (error) {
        if (!signal.aborted)
          this.#log.error({ error: messageOf(error) }, 'reading the configured jobs failed and is repeated')
      }
    }
  }

  /**
   * Watches the folder: in a mounted ConfigMap the files are links that never change; only `..data`
   * changes.
   */
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
      // The folder doesn't exist yet, or the system has no watches left: polling finds the changes.
    }
  }

  #nameOthers(others: readonly string[]): void {
    const files = others.filter((name) => !this.#others.includes(name))
    this.#others = others
    if (files.length === 0) return
    this.#log.info(
      { directory: this.#directory, files: files.slice(0, mostNamed), count: files.length },
      'not configured jobs: the file of one ends with .yaml or .yml, also if it is JSON',
    )
  }

  /** Reads the changed files; resolves with their problems, for people. */
  async #read(): Promise<string[]> {
    const { files: found, ignored, others } = await listJobFiles(this.#directory)
    for (const file of ignored.filter((path) => !this.#ignored.includes(path))) {
      this.#log.warn({ file }, 'another file, in .yaml, is the configured job of that name')
    }
    this.#ignored = ignored
    this.#nameOthers(others)
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
