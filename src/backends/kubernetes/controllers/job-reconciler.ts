import type { Clock } from '../../../util/clock.ts'
import type { Log } from '../../../util/log.ts'
import type { Scheduler } from '../../../util/scheduler.ts'
import type { Api } from '../api/api.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import type { JobCache } from '../cache/job-cache.ts'
import type { Decision } from '../policies/job-policy.ts'

/** What a controller needs to read from the cluster by itself. */
export interface ReaderParts {
  api: Api
  cache: JobCache
  clock: Clock
  log: Log
  /** Aborted: begins no further call. */
  signal: AbortSignal
}

/** A policy with what carries out its actions. */
export interface Controller<Action> {
  name: string
  /**
   * `last` is the action that ran last while the policy had a decision about the job, and when it
   * began.
   */
  decide(job: CachedJob, now: number, last: LastRun<Action> | undefined): Decision<Action>
  run(job: CachedJob, action: Action): Promise<void>
  /**
   * Milliseconds until the next decision after an action that changed nothing; `failures` in a row
   * before it.
   */
  pauseAfter(failures: number): number
}

export interface LastRun<Action> {
  action: Action
  at: number
}

/**
 * Reconciles each job whenever it changes or its time has come: every controller decides on it, and
 * runs at most one action for it at a time. All wait in one work queue.
 */
export class JobReconciler {
  readonly #cache: JobCache
  readonly #queue: Scheduler
  readonly #clock: Clock
  readonly #log: Log
  readonly #controllers: Controlled[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #unsubscribe: () => void
  #closed = false

  constructor(parts: { cache: JobCache; queue: Scheduler; clock: Clock; log: Log }) {
    this.#cache = parts.cache
    this.#queue = parts.queue
    this.#clock = parts.clock
    this.#log = parts.log
    this.#unsubscribe = parts.cache.subscribe((uuid) => this.#reconcile(uuid))
  }

  /** From now on the controller decides, about every job that is known already as well. */
  add<Action>(controller: Controller<Action>): void {
    // Each controller gets only actions that are its own.
    this.#controllers.push({ controller: controller as Controller<unknown>, jobs: new Map() })
    this.reconcileAll()
  }

  reconcileAll(): void {
    for (const uuid of this.#cache.uuids()) this.#reconcile(uuid)
  }

  /**
   * Begins no further action; resolves when those that run have ended. The queue is its owner's to
   * close.
   */
  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    await Promise.all(this.#running)
  }

  #reconcile(uuid: string): void {
    for (const controlled of this.#controllers) this.#decide(controlled, uuid)
  }

  #decide(controlled: Controlled, uuid: string): void {
    if (this.#closed) return
    const { controller, jobs } = controlled
    const state = jobs.get(uuid)
    if (state?.isRunning) {
      state.hasChanged = true
      return
    }
    const key = `${controller.name} ${uuid}`
    const seen = this.#cache.cachedJob(uuid)
    const decision = seen && controller.decide(seen, this.#clock.now(), state?.last)
    if (seen === undefined || decision === undefined) {
      this.#queue.delete(key)
      jobs.delete(uuid)
    } else if ('waitUntil' in decision) {
      this.#queue.set(key, decision.waitUntil, () => this.#decide(controlled, uuid))
    } else {
      this.#queue.delete(key)
      this.#start(controlled, seen, decision.action)
    }
  }

  #start(controlled: Controlled, seen: CachedJob, action: unknown): void {
    const { controller, jobs } = controlled
    const { failures = 0 } = jobs.get(seen.uuid) ?? {}
    const state: JobState = {
      last: { action, at: this.#clock.now() },
      isRunning: true,
      hasChanged: false,
      failures,
    }
    jobs.set(seen.uuid, state)
    const run = controller
      .run(seen, action)
      .then(
        () => {
          state.failures = 0
        },
        (error: unknown) => {
          state.failures += 1
          const about = { error, job: seen.uuid, controller: controller.name, action }
          this.#log.warn(about, 'an action for a job failed and is tried again')
        },
      )
      .finally(() => {
        this.#running.delete(run)
        state.isRunning = false
        this.#decideAfter(controlled, seen.uuid, state)
      })
    this.#running.add(run)
  }

  #decideAfter(controlled: Controlled, uuid: string, { hasChanged, failures }: JobState): void {
    const pause = controlled.controller.pauseAfter(failures)
    if (hasChanged || pause === 0) this.#decide(controlled, uuid)
    else {
      const key = `${controlled.controller.name} ${uuid}`
      this.#queue.set(key, this.#clock.now() + pause, () => this.#decide(controlled, uuid))
    }
  }
}

interface Controlled {
  controller: Controller<unknown>
  /** Jobs that the controller decided on; a job leaves when there is no decision about it. */
  jobs: Map<string, JobState>
}

interface JobState {
  last: LastRun<unknown>
  isRunning: boolean
  /** The job changed while the action ran. */
  hasChanged: boolean
  failures: number
}
