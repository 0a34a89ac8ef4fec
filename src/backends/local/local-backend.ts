import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type {
  AttemptId,
  ContainerLog,
  JobBackend,
  JobPlan,
  LiveJob,
  ReadLogOptions,
} from '../../job/backend.ts'
import type { AttemptsByJob, Stop } from '../../job/state/observation.ts'
import { defaultPacking } from '../../result-format/result-layout.ts'
import { type Clock, systemClock } from '../../util/clock.ts'
import { Problem } from '../../util/errors.ts'
import { KeyedMutex } from '../../util/keyed-mutex.ts'
import type { Log } from '../../util/log.ts'
import { lock } from './files/directory-lock.ts'
import { createDiskProbe } from './files/disk.ts'
import { makeDirectoryDurably } from './files/durable-files.ts'
import { writeCredentials } from './files/write-credentials.ts'
import { isSupervised, warnOfJobsLeft } from './jobs-left.ts'
import { LocalDeliveries } from './local-deliveries.ts'
import { LocalEnvironments } from './local-environments.ts'
import { LocalJobs } from './local-jobs.ts'
import { openLocalLog } from './local-logs.ts'
import type { LocalSettings } from './local-settings.ts'
import { baseEnvironment } from './process/child-environment.ts'
import { deliveryCommand, supervisorCommand, uploaderCommand } from './process/program-commands.ts'
import type { LocalJob } from './record/local-job.ts'
import { newRecord } from './record/new-record.ts'
import type { RunContext } from './run/run-context.ts'
import { RunQueue } from './run/run-queue.ts'
import { ScheduledRemovals } from './scheduled-removals.ts'

/**
 * Runs jobs as processes, each attempt below a supervisor of its own that outlives this program. Each
 * step is written to disk before it is taken; recover.ts takes the jobs up again.
 */
export function createLocalBackend(settings: LocalSettings, log: Log): JobBackend {
  return new LocalBackend(settings, log)
}

class LocalBackend implements JobBackend {
  readonly name: string
  readonly environments: LocalEnvironments
  readonly deliveries: LocalDeliveries
  readonly #clock: Clock
  readonly #context: RunContext
  readonly #jobs: LocalJobs
  /** Of one job, creation, beginning and stop come one after the other. */
  readonly #changes = new KeyedMutex()
  readonly #runs: RunQueue
  readonly #removals: ScheduledRemovals
  readonly #namedVariablesOnly: boolean
  readonly #probeDisk: () => Promise<string | undefined>
  #closed = false
  #unlock: (() => Promise<void>) | undefined

  constructor(settings: LocalSettings, log: Log) {
    const { dataDirectory, store, clock = systemClock } = settings
    this.#clock = clock
    this.#namedVariablesOnly = settings.namedVariablesOnly ?? false
    const directory = join(dataDirectory, 'local')
    this.name = `child processes in ${directory}`
    this.environments = new LocalEnvironments(join(dataDirectory, 'environments'))
    this.#context = {
      directory,
      store,
      credentialsDirectory: join(directory, 'credentials'),
      packing: settings.packing ?? defaultPacking,
      limits: settings.limits,
      secretsDirectory: settings.secretsDirectory,
      uploaderCommand: settings.uploader?.command ?? uploaderCommand(process.execPath, import.meta.url),
      deliveryCommand: deliveryCommand(process.execPath, import.meta.url),
      supervisorCommand: settings.supervisor?.command ?? supervisorCommand(process.execPath, import.meta.url),
      base: baseEnvironment(process.env, process.execPath),
      log,
    }
    this.deliveries = new LocalDeliveries(this.#context, join(dataDirectory, 'deliveries'))
    this.#jobs = new LocalJobs(directory, log)
    this.#probeDisk = createDiskProbe(directory)
    this.#runs = new RunQueue(this.#context, settings.concurrency ?? availableParallelism())
    this.#removals = new ScheduledRemovals(log, clock, (job) => this.#jobs.forget(job))
  }

  async start(): Promise<void> {
    const { directory, credentialsDirectory, store } = this.#context
    await makeDirectoryDurably(directory)
    this.#unlock = await lock(join(directory, 'lock'))
    await writeCredentials(credentialsDirectory, store)
    await this.#jobs.recover()
    const jobs = this.#jobs.all()
    for (const job of jobs) if (job.record.removeAt !== undefined) await this.#removals.add(job)
    // Jobs that have already run come first: their results are at stake.
    const unfinished = jobs.filter(({ record }) => record.ended === undefined && !record.waiting)
    const [running, others] = [
      unfinished.filter(isSupervised),
      unfinished.filter((job) => !isSupervised(job)),
    ]
    for (const job of running) this.#runs.adopt(job)
    for (const job of others.filter(({ record }) => record.attempt)) this.#runs.add(job)
    for (const job of others.filter(({ record }) => !record.attempt)) this.#runs.add(job)
  }

  async look(): Promise<void> {
    // No other process makes jobs in this directory.
  }

  missing(): string[] {
    return []
  }

  async obstacles(): Promise<string[]> {
    const trouble = await this.#probeDisk()
    return trouble === undefined ? [] : [trouble]
  }

  isCurrent(): boolean {
    return true
  }

  async preview(plan: JobPlan): Promise<undefined> {
    const environments = await this.environments.variables(plan.request.config_map_ref)
    newRecord({ plan, environments, namedVariablesOnly: this.#namedVariablesOnly, createdAt: Date.now() })
  }

  async create(plan: JobPlan): Promise<{ created: boolean; requestSha256: string }> {
    const unlock = await this.#changes.lock(plan.uuid)
    try {
      const existing = this.#openJob(plan.uuid)
      if (existing) return { created: false, requestSha256: existing.record.requestSha256 }
      const environments = await this.environments.variables(plan.request.config_map_ref)
      const namedVariablesOnly = this.#namedVariablesOnly
      const record = { plan: structuredClone(plan), environments, namedVariablesOnly, createdAt: Date.now() }
      const job = await this.#jobs.create(newRecord(record))
      if (!job.record.waiting) this.#runs.add(job)
      job.changed()
      return { created: true, requestSha256: plan.requestSha256 }
    } finally {
      unlock()
    }
  }

  async awaitJobs(uuid: string, jobs: readonly string[], attempts?: AttemptsByJob): Promise<void> {
    await this.#changes.locked(uuid, async () => {
      const job = this.#openJob(uuid)
      if (job?.record.waiting === undefined || job.record.stop || job.record.ended) return
      await job.writeWaiting(jobs, attempts, this.#clock.now())
      if (!job.record.waiting) this.#runs.add(job)
      job.changed()
    })
  }

  get(uuid: string): LiveJob | undefined {
    return this.#jobs.get(uuid)?.live()
  }

  list(): Iterable<LiveJob> {
    return this.#jobs.live()
  }

  subscribe(listener: (uuid: string) => void): () => void {
    return this.#jobs.subscribe(listener)
  }

  stop(uuid: string, stop: Stop): Promise<boolean> {
    return this.#changes.locked(uuid, () => this.#stop(uuid, stop))
  }

  async #stop(uuid: string, stop: Stop): Promise<boolean> {
    const job = this.#openJob(uuid)
    if (job === undefined) return false
    const { record } = job
    const deleted = stop.outcome === 'deleted'
    if (deleted && record.removeAt !== undefined) await this.#remove(job, 0)
    if (record.removeAt !== undefined) return false
    const isDecided = record.stop !== undefined || record.ended !== undefined
    const replaces = deleted ? record.stop?.outcome !== 'deleted' : !isDecided
    if (!replaces) return true
    await job.writeStop(stop)
    // A job that has run waits for its last pass alone, which a stop that keeps results does not
    // cancel.
    if ((deleted || !record.attempt) && (record.waiting || this.#runs.drop(job))) {
      job.end(stop.cause)
      await job.save()
    }
    job.changed()
    this.#runs.signal(job, deleted ? 'kill' : 'stop')
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

  /** The uploader reads a stop from the store alone; one that doesn't read it in time is killed. */
  notifyStop(): Promise<void> {
    return Promise.reject(new Error('this uploader is notified through the store alone'))
  }

  earlierAttempts(uuid: string): AttemptId[] {
    return (this.#jobs.get(uuid)?.record.earlier ?? []).map(({ number, uid }) => ({ number, uid }))
  }

  log(uuid: string, options: ReadLogOptions): Promise<ContainerLog | undefined> {
    return openLocalLog(this.#context.directory, () => this.#jobs.get(uuid), options)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#jobs.unsubscribeAll()
    await this.deliveries.close()
    await this.#removals.close()
    warnOfJobsLeft(await this.#runs.close(), this.#context.log)
    await this.#unlock?.()
  }

  /** Removes before it writes: a full disk must not keep what fills it. */
  async #remove(job: LocalJob, keepSeconds: number): Promise<void> {
    const now = this.#clock.now()
    const at = now + keepSeconds * 1000
    job.record.removeAt = Math.min(at, job.record.removeAt ?? at)
    job.changed()
    await this.#removals.add(job)
    if (job.record.removeAt > now) await job.save()
  }

  /** After close() a record stays as it is: the next process goes on from there. */
  #openJob(uuid: string): LocalJob | undefined {
    if (this.#closed)
      throw new Problem('unavailable', 'this Jobferry is shutting down', { retryAfterSeconds: 5 })
    return this.#jobs.get(uuid)
  }
}
