import type { ArtifactStore } from '../artifact/store.ts'
import type { JobBackend, LiveJob } from '../job/backend.ts'
import { isFinal } from '../job/job.ts'
import { type Assessment, assess } from '../job/state.ts'
import type { Log } from '../log.ts'
import { Changes } from './changes.ts'
import { asItCounts, deletionKey, giveUpInTime } from './deletions.ts'
import { DueQueue } from './due-queue.ts'
import { endKey, type TellEnd, tellEnd } from './endings.ts'
import { type Finishing, planFinish } from './finishing.ts'
import { jobAnswer } from './job-answer.ts'
import { lookupKey, planLookup, withStoreTrouble } from './lookup.ts'
import { type LiveList, NewestFirst } from './newest-first.ts'
import { announceStops, endRepeats, enforceLimits, limitKey, stopKey } from './stops.ts'
import {
  finishKey,
  fresh,
  isAnother,
  isQuiet,
  isSameState,
  newSlots,
  remembered,
  type Tracked,
  type TrackedJob,
  type Tracking,
} from './tracked.ts'

export interface TrackerOptions extends Pick<Finishing, 'untilFollowed' | 'finish'> {
  backend: JobBackend
  store: ArtifactStore
  log: Log
  tellEnd?: TellEnd
  /** Begins to keep the worker's log: its pod is going. */
  followLog(uuid: string, attempt: string): void
  /** Nothing more is to be done for the job. */
  onForgotten(uuid: string): void
  /** A deleted job was let go before it was finished. */
  onGivenUp(): void
}

/**
 * Follows every job that the backend holds: computes its state at each change, asks the store for the manifest
 * of those that are storing and of no other, stops what exceeds its time, and has ended ones finished. All it
 * knows is rebuilt from backend and store at start.
 */
export class Tracker {
  readonly #options: TrackerOptions
  readonly #tracking: Tracking
  readonly #finishing: Finishing
  readonly #jobs = new Map<string, Tracked>()
  readonly #newestFirst = new NewestFirst()
  readonly #queue = new DueQueue()
  /** Of answers, vanishing included. */
  readonly changes = new Changes()
  readonly #ends: (() => void)[] = []
  #closed = false

  constructor(options: TrackerOptions) {
    const { backend, store, log } = options
    this.#options = options
    this.#tracking = {
      backend,
      store,
      log,
      queue: this.#queue,
      evaluate: (uuid) => this.#evaluate(uuid),
      isCurrent: (tracked) => !this.#closed && this.#jobs.get(tracked.live.uuid) === tracked,
      slots: newSlots(),
    }
    const { untilFollowed, finish } = options
    this.#finishing = { untilFollowed, finish, isTold: (tracked) => this.#isTold(tracked) }
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

  /** Has the backend look for a job that get() doesn't know. */
  look(uuid: string): Promise<void> {
    return this.#options.backend.look(uuid)
  }

  list(): Iterable<TrackedJob> {
    return this.#jobs.values()
  }

  newestFirst(): LiveList {
    return this.#newestFirst.of(this.#jobs)
  }

  /** Ends what is still tried for a job that was given up; resolves when nothing of that writes any more. */
  async dropGivenUp(uuid: string): Promise<void> {
    const known = this.#jobs.get(uuid)
    if (!known?.givenUp) return
    this.#forget(uuid)
    await Promise.all([known.announcement, known.working])
  }

  onChange(uuid: string, listener: () => void): () => void {
    return this.changes.on(uuid, listener)
  }

  /** Resolves when nothing of it writes into the store any more. */
  async close(): Promise<void> {
    this.#closed = true
    for (const end of this.#ends) end()
    this.changes.wakeAll()
    const announcements = [...this.#jobs.values()].map(({ announcement }) => announcement)
    await Promise.all([this.#queue.close(), ...announcements])
  }

  #evaluate(uuid: string): void {
    if (this.#closed) return
    const known = this.#jobs.get(uuid)
    const found = this.#options.backend.get(uuid) ?? (known && remembered(known))
    if (!found || found.released) {
      // One that is being finished is forgotten when that is done.
      if (known?.busy.has('finish')) known.gone = true
      else this.#forget(uuid)
      return
    }
    const { live, overdue } = asItCounts(this.#tracking, found)
    const before = known?.gone || isAnother(known, live) ? undefined : known
    const attempt = attemptOf(before, live)
    const stored = before?.storedFor === attempt ? before?.stored : undefined
    const now = withStoreTrouble(assess(live.observation, stored, live.request.retries), before?.storeTrouble)
    const assessment = lasting(before, now)
    const answer = before && isOver(before) ? before.answer : jobAnswer(live, assessment, attempt)
    const changed = !before || JSON.stringify(before.answer) !== JSON.stringify(answer)
    const says = !before || !isSameState(before.answer, answer)
    if (before?.live.observation.createdAt !== live.observation.createdAt) this.#newestFirst.changed()
    const tracked = Object.assign(before ?? fresh(), {
      live,
      assessment,
      answer,
      attempt,
      overdue,
      givenUp: before?.givenUp ?? false,
      stored,
      storedFor: attempt,
      storingSince: assessment.awaitsManifest ? (before?.storingSince ?? Date.now()) : undefined,
    })
    this.#jobs.set(uuid, tracked)
    if (says) this.#logState(tracked)
    this.#plan(uuid, tracked)
    if (changed) this.changes.emit(uuid)
  }

  #logState({ answer: { job_uuid, state, reason, message } }: Tracked): void {
    const line = { job: job_uuid, state, reason: reason ?? undefined, message: message ?? undefined }
    this.#options.log.info(line, 'job state')
  }

  #forget(uuid: string): void {
    const known = this.#jobs.delete(uuid)
    if (known) this.#newestFirst.changed()
    const keys = [lookupKey, limitKey, stopKey, finishKey, deletionKey, endKey]
    for (const key of keys) this.#queue.delete(key(uuid))
    this.#options.onForgotten(uuid)
    if (known) this.changes.emit(uuid)
  }

  #plan(uuid: string, tracked: Tracked): void {
    const { assessment, live } = tracked
    if (assessment.deleted) this.#queue.delete(lookupKey(uuid))
    else if (assessment.awaitsManifest) planLookup(this.#tracking, tracked)
    if (!this.#options.backend.holdsLease()) return
    giveUpInTime(this.#tracking, tracked, this.#options.onGivenUp)
    if (isFinal(assessment.state) && tracked.finished === undefined) void this.#isTold(tracked)
    if (isFinal(assessment.state) && !assessment.deleted && endRepeats(this.#tracking, tracked)) return
    if (isFinal(assessment.state) ? !live.observation.lingering : assessment.deleted && isQuiet(live)) {
      planFinish(this.#tracking, tracked, this.#finishing)
      return
    }
    const { attempt, stop, deletedAt, rescue } = live.observation
    // A rescue may take hours, in which a node that runs out of room drops the logs of pods that have ended.
    const isRescued = rescue?.state === 'running'
    const going = isRescued || [stop, deletedAt, attempt?.interrupted].some((one) => one !== undefined)
    if (going && attempt?.worker.startedAt !== undefined && !assessment.deleted) {
      this.#options.followLog(uuid, attempt.uid)
    }
    announceStops(this.#tracking, tracked)
    enforceLimits(this.#tracking, tracked)
  }

  #isTold(tracked: Tracked): Promise<boolean> {
    return tellEnd(this.#tracking, tracked, this.#options.tellEnd ?? (async () => {}))
  }
}

/** A final state is final, whatever somebody does to the Job afterwards; only its removal still counts. */
export function lasting(before: TrackedJob | undefined, now: Assessment): Assessment {
  return before && isOver(before) ? { ...before.assessment, deleted: now.deleted } : now
}

/** Of a job that is over, its own: what a backend begins after that counts for nothing. */
export function attemptOf(before: TrackedJob | undefined, { observation }: LiveJob): string | undefined {
  if (before && isOver(before)) return before.attempt
  return observation.attempt?.uid ?? observation.stop?.attempt ?? before?.attempt
}

function isOver({ assessment }: TrackedJob): boolean {
  return isFinal(assessment.state)
}
