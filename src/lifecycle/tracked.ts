import type { ArtifactStore } from '../artifact/store.ts'
import type { JobBackend, LiveJob } from '../job/backend.ts'
import type { Cause, Job } from '../job/job.ts'
import type { Stored } from '../job/observation.ts'
import type { Assessment } from '../job/state.ts'
import type { Log } from '../log.ts'
import type { DueQueue } from './due-queue.ts'
import { Slots } from './slots.ts'

/** A live job with what is known of its results. */
export interface TrackedJob {
  live: LiveJob
  answer: Job
  assessment: Assessment
  /** The last attempt's UID, also where its pod is gone and only the store knows it. */
  attempt: string | undefined
  /** It counts as ended though its attempt may still live: its deletion takes too long. */
  overdue: boolean
  /** The backend was told to let it go although it isn't finished; it is remembered here alone until it is. */
  givenUp: boolean
}

export interface Tracked extends TrackedJob {
  stored: Stored | undefined
  /** The attempt that `stored` speaks of. */
  storedFor: string | undefined
  /** Why the store's last answers about it were none. */
  storeTrouble: Cause | undefined
  busy: Set<'lookup' | 'finish' | 'stop'>
  /** The stop on its way into the store, or there already; never rejects. */
  announcement: Promise<void> | undefined
  /** The last finish or lookup, which may write into the store until it is settled; never rejects. */
  working: Promise<void> | undefined
  /** Whether who waits for its end was told, on its way or done; never rejects. */
  telling: Promise<boolean> | undefined
  /** How often that failed. */
  untold: number
  /** What was finished: nothing more is to be done until the backend lets it go. */
  finished: 'archived' | 'removed' | undefined
  /** The backend let it go while it was being finished: whatever has its uuid now is another job. */
  gone: boolean
  failures: number
  /** Since when the attempt's manifest is awaited, by this process' own clock: a node's may be another. */
  storingSince: number | undefined
  /** Since when its deleted object should be let go, as far as this process knows. */
  overdueSince: number | undefined
}

/** What the parts of the tracker share. */
export interface Tracking {
  readonly backend: JobBackend
  readonly store: ArtifactStore
  readonly log: Log
  readonly queue: DueQueue
  /** Looks at the job anew: its state, and what is to be done. */
  evaluate(uuid: string): void
  /** Whether it is still followed: not let go, the tracker not closed. */
  isCurrent(tracked: Tracked): boolean
  readonly slots: TrackerSlots
}

/**
 * How many jobs are worked for at once, though thousands end together: each takes a log's part in memory and some
 * requests. None of the kinds that a slot is taken by keeps the others out.
 */
export interface TrackerSlots {
  finish: Slots<'archive' | 'remove'>
  look: Slots<'ask' | 'settle'>
  tell: Slots
}

export function newSlots(): TrackerSlots {
  return { finish: new Slots(48, 32), look: new Slots(96, 64), tell: new Slots(64) }
}

/** Nothing of the attempt shown runs any more, so nothing of it writes into the store. */
export function isEnded({ observation }: LiveJob): boolean {
  const { attempt, rescue, incomplete } = observation
  if (incomplete || rescue?.state === 'running') return false
  return attempt === undefined || (attempt.ended && rescue?.state !== 'possible')
}

/** As isEnded(), and no other attempt writes into the store either. */
export function isQuiet(live: LiveJob): boolean {
  return isEnded(live) && !live.observation.lingering
}

/** 0.25 s, doubled at each failure in a row, at most 10 s. */
export function failureDelay(failures: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(failures, 10))
}

/** What is known of a job at first, beside what its backend shows. */
export function fresh(): Omit<Tracked, keyof TrackedJob | 'stored' | 'storedFor'> {
  return {
    storeTrouble: undefined,
    busy: new Set(),
    announcement: undefined,
    working: undefined,
    telling: undefined,
    untold: 0,
    finished: undefined,
    gone: false,
    failures: 0,
    storingSince: undefined,
    overdueSince: undefined,
  }
}

/** A job that the backend had to let go, until it is finished. */
export function remembered({ givenUp, finished, live }: Tracked): LiveJob | undefined {
  return givenUp && finished === undefined ? live : undefined
}

/** A new job of the uuid of one that was given up. */
export function isAnother(known: Tracked | undefined, live: LiveJob): boolean {
  return known?.givenUp === true && known.live.observation.createdAt !== live.observation.createdAt
}

/** How far a job is changes every few seconds: that is for whoever asks, not for the log. */
export function isSameState(a: Job, b: Job): boolean {
  return a.state === b.state && a.reason === b.reason
}

/** Of finishing a job, in the queue. */
export function finishKey(uuid: string): string {
  return `finish ${uuid}`
}
