import type { JobBackend, LiveJob } from '../../job/backend.ts'
import type { Job } from '../../job/job.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { type Clock, systemClock } from '../../util/clock.ts'
import type { Log } from '../../util/log.ts'
import { Scheduler } from '../../util/scheduler.ts'
import { type LiveList, NewestFirst } from '../newest-first.ts'
import { type ActionOutcome, type ActionParts, createLimits, type JobDuties } from './actions/action-parts.ts'
import { runAction } from './actions/run-action.ts'
import { Changes } from './changes.ts'
import {
  type Duty,
  isFinished,
  isGivenUp,
  isOver,
  isRunning,
  type KnownJob,
  progressOf,
  type TrackedJob,
} from './known-job.ts'
import type { TrackingAction } from './plan.ts'
import { reconcile } from './reconcile.ts'
import { Waiters } from './waiters.ts'

export interface TrackerOptions extends JobDuties {
  backend: JobBackend
  leadership: Leadership
  store: ArtifactStore
  log: Log
  clock?: Clock
  /** Nothing more is to be done for the job. */
  onForgotten(uuid: string, createdAt: number | undefined): void
}

/** The place of a job in the tracker. */
interface Entry {
  known: KnownJob
  readonly running: Map<Duty, Promise<void>>
}

/**
 * Follows every job that the backend holds: reconciles each at every change of it and when a time
 * has come, and carries out the actions that follow. All it knows is rebuilt from backend and store
 * at start.
 */
export class Tracker {
  readonly #options: TrackerOptions
  readonly #parts: ActionParts
  readonly #clock: Clock
  readonly #jobs = new Map<string, Entry>()
  readonly #newestFirst = new NewestFirst()
  readonly #waiters = new Waiters()
  /** When each job is to be looked at again, by its uuid. */
  readonly #queue: Scheduler
  readonly #running = new Set<Promise<void>>()
  /** Of answers; vanishing is a change, too. */
  readonly changes = new Changes()
  readonly #ends: (() => void)[] = []
  #closed = false

  constructor(options: TrackerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#queue = new Scheduler(this.#clock)
    this.#parts = { ...options, clock: this.#clock, limits: createLimits() }
  }

  /** Begins to follow; the backend has been started. */
  start(): void {
    const { backend, leadership } = this.#options
    const reconcileAll = () => {
      const uuids = Array.from(backend.list(), ({ uuid }) => uuid)
      for (const uuid of new Set([...this.#jobs.keys(), ...uuids])) this.#reconcile(uuid)
    }
    this.#ends.push(backend.subscribe((uuid) => this.#reconcile(uuid)))
    this.#ends.push(leadership.onChange((isLeader) => isLeader && reconcileAll()))
    reconcileAll()
  }

  /** A job that isn't archived yet; undefined for every other. */
  get(uuid: string): TrackedJob | undefined {
    return this.#jobs.get(uuid)?.known
  }

  /** Has the backend look for a job that get() doesn't know. */
  look(uuid: string): Promise<void> {
    return this.#options.backend.look(uuid)
  }

  *list(): Generator<TrackedJob> {
    for (const { known } of this.#jobs.values()) yield known
  }

  newestFirst(): LiveList {
    return this.#newestFirst.of(this.#jobs)
  }

  /**
   * Ends what is still retried for a job that was given up; resolves when nothing of that writes
   * any more.
   */
  async dropGivenUp(uuid: string): Promise<void> {
    const entry = this.#jobs.get(uuid)
    if (!entry || !isGivenUp(entry.known)) return
    this.#forget(uuid)
    const writing = [...entry.running].filter(([duty]) => duty !== 'notify-end')
    await Promise.all(writing.map(([, ended]) => ended))
  }

  onChange(uuid: string, listener: () => void): () => void {
    return this.changes.on(uuid, listener)
  }

  /** Resolves when nothing of it writes into the store any more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const end of this.#ends) end()
    this.changes.wakeAll()
    await Promise.all([this.#queue.close(), ...this.#running])
  }

  #reconcile(uuid: string): void {
    if (this.#closed) return
    const { backend, leadership } = this.#options
    const entry = this.#jobs.get(uuid)
    const found = backend.get(uuid) ?? (entry && remembered(entry.known))
    if (!found || found.released) {
      if (entry && isRunning(entry.known, 'archive', 'release', 'remove')) {
        entry.known = { ...entry.known, gone: true }
      } else this.#forget(uuid)
      return
    }
    const isSame = entry && !entry.known.gone && !isAnother(entry.known, found)
    const before = isSame ? entry.known : undefined
    const situation = {
      now: this.#clock.now(),
      isLeader: leadership.isLeader(),
      isCurrent: backend.isCurrent(),
    }
    const { known, actions, lookAgainAt } = reconcile(before, found, situation)
    const current = isSame ? entry : { known, running: new Map<Duty, Promise<void>>() }
    current.known = actions.reduce(withRunning, known)
    this.#waiters.set(uuid, known.live.observation.waiting?.jobs)
    this.#jobs.set(uuid, current)
    if (lookAgainAt === undefined) this.#queue.delete(uuid)
    else this.#queue.set(uuid, lookAgainAt, () => this.#reconcile(uuid))
    this.#tellChange(before, known)
    if (isOver(known) || known.assessment.deleted) this.#wakeWaiters(uuid)
    for (const action of actions) this.#start(current, action)
  }

  #tellChange(before: KnownJob | undefined, { answer, live }: KnownJob): void {
    if (before?.live.observation.createdAt !== live.observation.createdAt) this.#newestFirst.changed()
    if (!before || !isSameState(before.answer, answer)) {
      const { job_uuid, state, reason, message } = answer
      const line = { job: job_uuid, state, reason: reason ?? undefined, message: message ?? undefined }
      this.#options.log.info(line, 'job state')
    }
    if (JSON.stringify(before?.answer) !== JSON.stringify(answer)) this.changes.emit(live.uuid)
  }

  #start(entry: Entry, action: TrackingAction): void {
    const { duty } = action
    const isCurrent = () => !this.#closed && this.#jobs.get(entry.known.live.uuid) === entry
    const job = {
      get known() {
        return entry.known
      },
      get isCurrent() {
        return isCurrent()
      },
    }
    const ended = runAction(this.#parts, job, action).then((outcome) => {
      entry.running.delete(duty)
      this.#running.delete(ended)
      entry.known = withOutcome(entry.known, duty, outcome, this.#clock.now())
      if (isCurrent()) this.#reconcile(entry.known.live.uuid)
    })
    entry.running.set(duty, ended)
    this.#running.add(ended)
  }

  #forget(uuid: string): void {
    const createdAt = this.get(uuid)?.live.observation.createdAt
    const known = this.#jobs.delete(uuid)
    if (known) this.#newestFirst.changed()
    this.#queue.delete(uuid)
    this.#options.onForgotten(uuid, createdAt)
    this.#waiters.set(uuid, undefined)
    if (known) this.changes.emit(uuid)
    this.#wakeWaiters(uuid)
  }

  /** Has the jobs that wait for this one, which ended or is gone, looked at again. */
  #wakeWaiters(uuid: string): void {
    for (const waiter of this.#waiters.of(uuid)) {
      const entry = this.#jobs.get(waiter)
      if (!entry?.known.awaited) continue
      const { changes, seen } = entry.known.awaited
      entry.known = { ...entry.known, awaited: { changes: changes + 1, seen } }
      this.#reconcile(waiter)
    }
  }
}

/** A job that the backend had to let go, until it is finished. */
function remembered(known: KnownJob): LiveJob | undefined {
  return isGivenUp(known) && !isFinished(known) ? known.live : undefined
}

/** A new job of the uuid of one that was given up. */
function isAnother(known: KnownJob, { observation }: LiveJob): boolean {
  return isGivenUp(known) && known.live.observation.createdAt !== observation.createdAt
}

function withRunning(known: KnownJob, { duty }: TrackingAction): KnownJob {
  const progress = { ...progressOf(known, duty), state: 'running' as const }
  return { ...known, progress: { ...known.progress, [duty]: progress } }
}

function withOutcome(known: KnownJob, duty: Duty, outcome: ActionOutcome, now: number): KnownJob {
  const { failures } = progressOf(known, duty)
  const progress = {
    state: outcome.done ? ('done' as const) : ('idle' as const),
    failures: outcome.failed ? failures + 1 : 0,
    notBefore: now + outcome.delay,
  }
  return { ...known, ...outcome.learned?.(known), progress: { ...known.progress, [duty]: progress } }
}

/** An uploader's progress changes every few seconds: callers are shown it, the log isn't. */
function isSameState(a: Job, b: Job): boolean {
  return a.state === b.state && a.reason === b.reason
}
