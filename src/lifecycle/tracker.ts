import { EventEmitter } from 'node:events'
import type { ArtifactStore } from '../artifact/store.ts'
import { messageOf } from '../errors.ts'
import type { JobBackend, LiveJob } from '../job/backend.ts'
import { due, manifestLookupDelay } from '../job/due.ts'
import { isFinal, type Job } from '../job/job.ts'
import type { Stored } from '../job/observation.ts'
import { type Assessment, assess } from '../job/state.ts'
import type { Log } from '../log.ts'
import { DueQueue } from './due-queue.ts'
import { jobAnswer } from './job-answer.ts'
import { announceStop, lookUpManifest } from './stored.ts'

export interface TrackerOptions {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  /** Does what follows a job's end: archive and let go, or remove. Called again after a failure. */
  finish(job: TrackedJob): Promise<void>
  /** Begins to keep the worker's log: its pod is going. */
  followLog(uuid: string, attempt: string): void
}

/** A live job with what is known of its results. */
export interface TrackedJob {
  live: LiveJob
  answer: Job
  assessment: Assessment
  /** The last attempt's UID, also where its pod is gone and only the store knows it. */
  attempt: string | undefined
}

interface Tracked extends TrackedJob {
  stored: Stored | undefined
  /** The attempt that `stored` speaks of. */
  storedFor: string | undefined
  busy: Set<'lookup' | 'finish' | 'stop'>
  announced: boolean
  /** What was finished: nothing more is to be done until the backend lets it go. */
  finished: 'archived' | 'removed' | undefined
  failures: number
}

/**
 * Follows every job that the backend holds: computes its state at each change, asks the store for the manifest
 * of those that are storing and of no other, stops what exceeds its time, and has ended ones finished. All it
 * knows is rebuilt from backend and store at start.
 */
export class Tracker {
  readonly #options: TrackerOptions
  readonly #jobs = new Map<string, Tracked>()
  readonly #queue = new DueQueue()
  /** Emits a job's uuid after each change of its answer. */
  readonly #changes = new EventEmitter().setMaxListeners(0)
  readonly #ends: (() => void)[] = []
  #closed = false

  constructor(options: TrackerOptions) {
    this.#options = options
  }

  /** Begins to follow; the backend has been started. */
  start(): void {
    const { backend } = this.#options
    this.#ends.push(backend.subscribe((uuid) => this.#evaluate(uuid)))
    this.#ends.push(
      backend.onLease((held) => {
        if (held) for (const live of backend.list()) this.#evaluate(live.uuid)
      }),
    )
    for (const live of backend.list()) this.#evaluate(live.uuid)
  }

  /** A job that isn't archived yet; undefined for every other. */
  get(uuid: string): TrackedJob | undefined {
    return this.#jobs.get(uuid)
  }

  list(): Iterable<TrackedJob> {
    return this.#jobs.values()
  }

  /** Calls `listener` after each change of that job, its vanishing included. */
  onChange(uuid: string, listener: () => void): () => void {
    this.#changes.on(uuid, listener)
    return () => this.#changes.off(uuid, listener)
  }

  close(): void {
    this.#closed = true
    for (const end of this.#ends) end()
    this.#queue.close()
    for (const uuid of this.#changes.eventNames()) this.#changes.emit(uuid)
  }

  #evaluate(uuid: string): void {
    if (this.#closed) return
    const live = this.#options.backend.get(uuid)
    const before = this.#jobs.get(uuid)
    if (!live || live.released) {
      if (before?.busy.has('finish')) return // evaluated again when that is done
      this.#forget(uuid)
      return
    }
    const attempt = live.observation.attempt?.uid ?? before?.attempt
    const stored = before?.storedFor === attempt ? before?.stored : undefined
    const assessment = lasting(before, assess(live.observation, stored, live.request.retries))
    const answer = jobAnswer(live, assessment, attempt)
    const tracked: Tracked = before ?? {
      live,
      answer,
      assessment,
      attempt,
      stored: undefined,
      storedFor: attempt,
      busy: new Set(),
      announced: false,
      finished: undefined,
      failures: 0,
    }
    const changed = !before || JSON.stringify(before.answer) !== JSON.stringify(answer)
    Object.assign(tracked, { live, assessment, answer, attempt, stored, storedFor: attempt })
    this.#jobs.set(uuid, tracked)
    if (changed) {
      this.#options.log.info(
        {
          job: uuid,
          state: answer.state,
          reason: answer.reason ?? undefined,
          message: answer.message ?? undefined,
        },
        'job state',
      )
    }
    this.#plan(uuid, tracked)
    if (changed) this.#changes.emit(uuid)
  }

  #forget(uuid: string): void {
    const known = this.#jobs.delete(uuid)
    for (const kind of ['lookup', 'limit', 'finish']) this.#queue.delete(`${kind} ${uuid}`)
    if (known) this.#changes.emit(uuid)
  }

  #plan(uuid: string, tracked: Tracked): void {
    const { assessment, live } = tracked
    if (assessment.deleted) this.#queue.delete(`lookup ${uuid}`)
    else if (assessment.awaitsManifest) this.#planLookup(uuid, tracked, 0)
    if (!this.#options.backend.holdsLease()) return
    if (isFinal(assessment.state) || (assessment.deleted && isEnded(live))) {
      this.#planFinish(uuid, tracked)
      return
    }
    const { attempt, stop, deletedAt } = live.observation
    const going = stop !== undefined || deletedAt !== undefined || attempt?.interrupted !== undefined
    if (going && attempt?.worker.startedAt !== undefined && !assessment.deleted) {
      this.#options.followLog(uuid, attempt.uid)
    }
    this.#announceStop(uuid, tracked)
    this.#enforceLimits(uuid, tracked)
  }

  #planLookup(uuid: string, tracked: Tracked, delay: number): void {
    const key = `lookup ${uuid}`
    if (tracked.busy.has('lookup') || (delay === 0 && this.#queue.has(key) && !isEnded(tracked.live))) return
    this.#queue.set(key, Date.now() + delay, () => void this.#lookUp(uuid, tracked))
  }

  async #lookUp(uuid: string, tracked: Tracked): Promise<void> {
    tracked.busy.add('lookup')
    const ended = isEnded(tracked.live)
    let retryIn = manifestLookupDelay(Date.now() - workersEnd(tracked.live))
    try {
      const { store, backend } = this.#options
      const settles = ended && backend.holdsLease()
      const found = await lookUpManifest(store, uuid, tracked.attempt, settles, (error) =>
        this.#options.log.error(
          { job: uuid, error: error.message },
          'a damaged part of a result is left out',
        ),
      )
      tracked.failures = 0
      if (found.attempt !== undefined) tracked.attempt = found.attempt
      if (found.stored !== undefined) {
        tracked.stored = found.stored
        tracked.storedFor = tracked.attempt
      }
    } catch (error) {
      retryIn = Math.max(retryIn, failureDelay(tracked.failures++))
      this.#options.log.warn(
        { job: uuid, error: messageOf(error) },
        'the store was asked for a manifest in vain',
      )
    } finally {
      tracked.busy.delete('lookup')
    }
    if (this.#jobs.get(uuid) !== tracked) return
    this.#evaluate(uuid)
    // Ended meanwhile: what is absent now counts, at once.
    if (tracked.assessment.awaitsManifest && !tracked.assessment.deleted && !this.#closed) {
      this.#planLookup(uuid, tracked, isEnded(tracked.live) && !ended ? 0 : Math.max(1, retryIn))
    }
  }

  #planFinish(uuid: string, tracked: Tracked, delay = 0): void {
    const key = `finish ${uuid}`
    if (tracked.finished === 'removed' || (tracked.finished && !tracked.assessment.deleted)) return
    if (tracked.busy.has('finish') || (delay === 0 && this.#queue.has(key))) return
    this.#queue.set(key, Date.now() + delay, () => void this.#finish(uuid, tracked))
  }

  async #finish(uuid: string, tracked: Tracked): Promise<void> {
    tracked.busy.add('finish')
    let retryIn: number | undefined
    try {
      const { deleted } = tracked.assessment
      await this.#options.finish({ ...tracked })
      tracked.finished = deleted ? 'removed' : 'archived'
      tracked.failures = 0
    } catch (error) {
      retryIn = failureDelay(tracked.failures++)
      this.#options.log.warn(
        { job: uuid, error: messageOf(error) },
        'finishing a job failed and is tried again',
      )
    } finally {
      tracked.busy.delete('finish')
    }
    if (this.#closed) return
    if (retryIn !== undefined) this.#planFinish(uuid, tracked, retryIn)
    else this.#evaluate(uuid)
  }

  /** Only the store reaches an uploader that is already storing (design: "Stopping early"). */
  #announceStop(uuid: string, tracked: Tracked): void {
    const { stop, attempt } = tracked.live.observation
    const finishedAt = attempt?.worker.finishedAt
    const storing = finishedAt !== undefined && stop !== undefined && stop.at >= finishedAt
    if (!stop || tracked.announced || !(storing || stop.outcome === 'deleted')) return
    tracked.announced = true
    announceStop(this.#options.store, uuid, stop).catch((error: unknown) => {
      tracked.announced = false
      this.#options.log.warn(
        { job: uuid, error: messageOf(error) },
        'the stop could not be put into the store',
      )
      this.#queue.set(`stop ${uuid}`, Date.now() + 1000, () => this.#evaluate(uuid))
    })
  }

  #enforceLimits(uuid: string, tracked: Tracked): void {
    const { backend, log } = this.#options
    const next = due(tracked.live.observation, tracked.live.request, Date.now())
    if (!next) this.#queue.delete(`limit ${uuid}`)
    else if ('at' in next) this.#queue.set(`limit ${uuid}`, next.at, () => this.#evaluate(uuid))
    if (!next || 'at' in next) return
    if (tracked.busy.has('stop')) return
    tracked.busy.add('stop')
    backend
      .stop(uuid, next.stop)
      .catch((error: unknown) => {
        log.warn({ job: uuid, error: messageOf(error) }, 'stopping a job failed and is tried again')
        this.#queue.set(`limit ${uuid}`, Date.now() + 1000, () => this.#evaluate(uuid))
      })
      .finally(() => tracked.busy.delete('stop'))
  }
}

/** A final state is final, whatever somebody does to the Job afterwards; only its removal still counts. */
function lasting(before: TrackedJob | undefined, now: Assessment): Assessment {
  if (!before || !isFinal(before.assessment.state)) return now
  return { ...before.assessment, deleted: now.deleted }
}

function isEnded(live: LiveJob): boolean {
  return live.observation.attempt === undefined || live.observation.attempt.ended
}

function workersEnd(live: LiveJob): number {
  return live.observation.attempt?.worker.finishedAt ?? live.observation.createdAt
}

/** 0.25 s, doubled at each failure in a row, at most 10 s. */
function failureDelay(failures: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(failures, 10))
}
