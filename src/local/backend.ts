import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { defaultPacking, type Packing } from '../artifact/result-layout.ts'
import { messageOf, Problem } from '../errors.ts'
import type { ContainerLog, JobBackend, JobPlan, LiveJob, LogOptions } from '../job/backend.ts'
import type { Stop } from '../job/observation.ts'
import type { Log } from '../log.ts'
import { writeCredentials } from './credentials.ts'
import { makeDirectoryDurably } from './durable.ts'
import { baseEnvironment, type LocalStore } from './environment.ts'
import { LocalEnvironments } from './environments.ts'
import { attemptFolders } from './folders.ts'
import { JobEntry } from './job-entry.ts'
import { end } from './job-run.ts'
import { lock } from './lock.ts'
import { openLog } from './log-file.ts'
import { planRecord } from './plan.ts'
import type { JobRecord } from './record.ts'
import { readRecords, takeOver } from './recover.ts'
import { Removals } from './removals.ts'
import { removeFolder } from './remove-folder.ts'
import { RunQueue } from './run-queue.ts'
import { uploaderCommand } from './uploader-command.ts'

export interface LocalSettings {
  /** Where jobs run and are written down; environments lie beside it. */
  directory: string
  store: LocalStore
  /** Of jobs whose results are packed; `defaultPacking` where it is absent. */
  packing?: Packing
  /** What runs the uploader below its supervisor; default: this program's own. */
  uploader?: { command: string[] }
  /** Jobs that run at once; default: the number of cores. */
  concurrency?: number
}

/**
 * Runs jobs as child processes of this one, each in a session of its own. What they are doing is written down at each
 * step, so that they survive this process: see recover.ts for what the next one makes of it.
 */
export function createLocalBackend(settings: LocalSettings, log: Log): JobBackend {
  return new LocalBackend(settings, log)
}

class LocalBackend implements JobBackend {
  readonly name: string
  readonly kind = 'local'
  readonly environments: LocalEnvironments
  readonly #directory: string
  readonly #store: LocalStore
  readonly #credentialsDirectory: string
  readonly #log: Log
  readonly #jobs = new Map<string, JobEntry>()
  readonly #creations = new Map<string, Promise<unknown>>()
  readonly #listeners = new Set<(uuid: string) => void>()
  readonly #runs: RunQueue
  readonly #removals: Removals
  #closed = false
  #unlock: (() => Promise<void>) | undefined

  constructor(settings: LocalSettings, log: Log) {
    const { directory, store } = settings
    this.name = `child processes in ${directory}`
    this.#directory = directory
    this.#store = store
    this.#credentialsDirectory = join(directory, 'credentials')
    this.#log = log
    this.environments = new LocalEnvironments(join(dirname(directory), 'environments'))
    const context = {
      directory,
      store,
      credentialsDirectory: this.#credentialsDirectory,
      packing: settings.packing ?? defaultPacking,
      uploaderCommand: settings.uploader?.command ?? uploaderCommand(process.execPath, import.meta.url),
      base: baseEnvironment(process.env, process.execPath),
      log,
    }
    this.#runs = new RunQueue(context, settings.concurrency ?? availableParallelism())
    this.#removals = new Removals(log, (job) => this.#vanish(job))
  }

  async start(): Promise<void> {
    await makeDirectoryDurably(this.#directory)
    this.#unlock = await lock(join(this.#directory, 'lock'))
    await writeCredentials(this.#credentialsDirectory, this.#store)
    const records = await readRecords(this.#directory, this.#log)
    for (const record of records) await this.#takeOver(record)
    // Those that have already run come first: their results are at stake.
    const waiting = [...this.#jobs.values()].filter((job) => job.record.ended === undefined)
    for (const job of waiting.filter(({ record }) => record.attempt)) this.#runs.add(job)
    for (const job of waiting.filter(({ record }) => !record.attempt)) this.#runs.add(job)
  }

  async look(): Promise<void> {
    // Nobody else makes jobs in this folder.
  }

  missing(): string[] {
    return []
  }

  isCurrent(): boolean {
    return true
  }

  async create(plan: JobPlan): Promise<{ created: boolean; requestSha256: string }> {
    for (;;) {
      const existing = this.#openJob(plan.uuid)
      if (existing) return { created: false, requestSha256: existing.record.requestSha256 }
      const creation = this.#creations.get(plan.uuid)
      if (creation === undefined) break
      await creation.catch(() => undefined)
    }
    const creation = this.#create(plan).finally(() => this.#creations.delete(plan.uuid))
    this.#creations.set(plan.uuid, creation)
    await creation
    return { created: true, requestSha256: plan.requestSha256 }
  }

  get(uuid: string): LiveJob | undefined {
    return this.#jobs.get(uuid)?.live()
  }

  *list(): Generator<LiveJob> {
    for (const job of this.#jobs.values()) yield job.live()
  }

  subscribe(listener: (uuid: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(uuid: string, stop: Stop): Promise<boolean> {
    const job = this.#openJob(uuid)
    if (job === undefined) return false
    const { record } = job
    const deleted = stop.outcome === 'deleted'
    if (deleted && record.removeAt !== undefined) await this.#remove(job, 0)
    if (record.removeAt !== undefined) return false
    const stands = record.stop !== undefined || record.ended !== undefined
    if (!(deleted ? record.stop?.outcome !== 'deleted' : !stands)) return true
    await job.writeStop(stop)
    // One that has run waits for its last pass only: a stop that keeps results doesn't take that away.
    if ((deleted || !record.attempt) && this.#runs.drop(job)) {
      end(job, stop.cause)
      await job.save()
    }
    job.changed()
    this.#runs.halt(job, deleted ? 'kill' : 'stop')
    return true
  }

  async release(uuid: string, keepSeconds: number): Promise<void> {
    const job = this.#openJob(uuid)
    if (job === undefined) return
    await this.#runs.end(job)
    if (job.record.stop?.outcome !== 'deleted') await this.#remove(job, keepSeconds)
  }

  async discard(uuid: string): Promise<void> {
    const job = this.#openJob(uuid)
    if (job === undefined) return
    await this.#runs.end(job)
    await this.#remove(job, 0)
  }

  /** There is no other way: an uploader that doesn't hear of its stop in time is killed. */
  tell(): Promise<void> {
    return Promise.reject(new Error('only the store tells this uploader'))
  }

  async log(uuid: string, options: LogOptions): Promise<ContainerLog | undefined> {
    const job = this.#jobs.get(uuid)
    const attempt = job?.record.attempt
    if (attempt === undefined) return undefined
    const { container, tail, follow, signal } = options
    const folders = attemptFolders(this.#directory, uuid, attempt.uid)
    // Asked of the attempt itself: the job may have another one by then.
    const ended = () => (attempt.endedAt ?? attempt[container].finishedAt) !== undefined
    const stream = await openLog(container === 'worker' ? folders.workerLog : folders.uploaderLog, {
      tail,
      signal,
      isComplete: follow ? () => ended() || this.#jobs.get(uuid) !== job : undefined,
    })
    return stream && { stream, fromBeginning: true }
  }

  holdsLease(): boolean {
    return true
  }

  onLease(): () => void {
    return () => undefined
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#listeners.clear()
    this.#removals.close()
    await this.#runs.close()
    await this.#unlock?.()
  }

  async #create(plan: JobPlan): Promise<void> {
    const environments = await this.environments.variables(plan.request.config_map_ref)
    const job = this.#entry(planRecord(structuredClone(plan), environments, Date.now()))
    try {
      await makeDirectoryDurably(job.folders.root)
      await job.save()
    } catch (cause) {
      await removeFolder(job.folders.root).catch(() => undefined)
      throw new Problem('unavailable', "the job can't be written down in DATA_DIRECTORY", { cause })
    }
    this.#jobs.set(job.uuid, job)
    this.#runs.add(job)
    job.changed()
  }

  async #remove(job: JobEntry, keepSeconds: number): Promise<void> {
    const at = Date.now() + keepSeconds * 1000
    job.record.removeAt = Math.min(at, job.record.removeAt ?? at)
    await job.save()
    job.changed()
    await this.#removals.add(job)
  }

  async #takeOver(record: JobRecord): Promise<void> {
    const job = this.#entry(record)
    this.#jobs.set(job.uuid, job)
    if (!record.ended) {
      await takeOver(this.#directory, record, this.#log)
      const { stop, attempt } = record
      if (stop && (!attempt || stop.outcome === 'deleted')) end(job, stop.cause)
      await job.save()
    }
    if (record.removeAt !== undefined) await this.#removals.add(job)
  }

  /** After close() a record stays as it is: the next process takes up from there. */
  #openJob(uuid: string): JobEntry | undefined {
    if (this.#closed)
      throw new Problem('unavailable', 'this Jobferry is shutting down', { retryAfterSeconds: 5 })
    return this.#jobs.get(uuid)
  }

  #entry(record: JobRecord): JobEntry {
    return new JobEntry(this.#directory, record, (uuid) => this.#notify(uuid))
  }

  #vanish(job: JobEntry): void {
    this.#jobs.delete(job.uuid)
    this.#notify(job.uuid)
  }

  #notify(uuid: string): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(uuid)
      } catch (error) {
        this.#log.error({ job: uuid, error: messageOf(error) }, 'a listener failed')
      }
    }
  }
}
