import type { LiveJob } from '../../job/backend.ts'
import { type Cause, isFinal, type Job } from '../../job/job.ts'
import type { Stored } from '../../job/state/observation.ts'
import type { Assessment } from '../../job/state/state.ts'

/** A live job with what is known of its results. */
export interface TrackedJob {
  readonly live: LiveJob
  readonly answer: Job
  readonly assessment: Assessment
  /** UID of the last attempt; its pod may be gone, so that only the store names it. */
  readonly attempt: string | undefined
  /** The store's last answer about the results of `attempt`. */
  readonly stored: { readonly attempt: string | undefined; readonly results: Stored } | undefined
  /** Its deletion takes too long: it counts as ended although its attempt may still run. */
  readonly overdue: boolean
}

/** All that the tracker knows of a job: a value that is replaced as a whole. */
export interface KnownJob extends TrackedJob {
  /** Why the store's last answers were failures. */
  readonly storeTrouble: Cause | undefined
  /** Set while the attempt's manifest is awaited. */
  readonly storing: Storing | undefined
  /**
   * Since when its deleted object should be let go, as far as this process knows; milliseconds
   * since the epoch.
   */
  readonly overdueSince: number | undefined
  /**
   * Of a waiting job: how many changes of its awaited jobs this process saw, and how many of them
   * it had seen when it last looked at these.
   */
  readonly awaited: { readonly changes: number; readonly seen: number } | undefined
  /** UID of the attempt whose log is followed. */
  readonly followedLog: string | undefined
  /**
   * The backend let it go while it was being archived or removed: its uuid may be another job's
   * now.
   */
  readonly gone: boolean
  readonly progress: Readonly<Partial<Record<Duty, DutyProgress>>>
}

export interface Storing {
  /** By this process' clock, as a node's may differ; milliseconds since the epoch. */
  readonly since: number
  readonly lastLookup?: Lookup
}

/** How things stood when the store was last asked for the manifest. */
export interface Lookup {
  /** When it is asked again; milliseconds since the epoch. */
  readonly nextAt: number
  readonly attempt: string | undefined
  /** The store answered, and no rescue was asked for since. */
  readonly answered: boolean
  /** Nothing of the attempt ran. */
  readonly ended: boolean
  readonly uploaderEnded: boolean
  /** The newest checkpoint would have become the result. */
  readonly settles: boolean
}

/** What can be under way for a job, each at most once at a time. */
export type Duty =
  | 'await-jobs'
  | 'look-up'
  | 'rescue'
  | 'notify-end'
  | 'archive'
  | 'release'
  | 'remove'
  | 'let-go'
  | 'announce-stop'
  | 'stop'
  | 'follow-log'

export interface DutyProgress {
  readonly state: 'idle' | 'running' | 'done'
  /** In a row. */
  readonly failures: number
  /** When it may begin again; milliseconds since the epoch. */
  readonly notBefore: number
}

const notBegun: DutyProgress = { state: 'idle', failures: 0, notBefore: 0 }

export function progressOf({ progress }: Pick<KnownJob, 'progress'>, duty: Duty): DutyProgress {
  return progress[duty] ?? notBegun
}

export function isDone(known: KnownJob, duty: Duty): boolean {
  return progressOf(known, duty).state === 'done'
}

export function isRunning(known: KnownJob, ...duties: readonly Duty[]): boolean {
  return duties.some((duty) => progressOf(known, duty).state === 'running')
}

export function isOver({ assessment }: Pick<TrackedJob, 'assessment'>): boolean {
  return isFinal(assessment.state)
}

/** Nothing more is to be done for it until the backend lets it go. */
export function isFinished(known: KnownJob): boolean {
  return isDone(known, 'release') || isDone(known, 'remove')
}

/**
 * The backend is to let it go, or did, before it was finished: until then this process alone
 * remembers it.
 */
export function isGivenUp(known: KnownJob): boolean {
  return progressOf(known, 'let-go').state !== 'idle'
}

/** The attempt's manifest is awaited. */
export function isAwaited({ assessment }: TrackedJob): boolean {
  return assessment.awaitsManifest && !assessment.deleted
}

/** Nothing of the shown attempt runs any more, so nothing of it writes into the store. */
export function isEnded({ observation }: LiveJob): boolean {
  const { attempt, rescue, incomplete } = observation
  if (incomplete || rescue?.state === 'running') return false
  return attempt === undefined || (attempt.ended && rescue?.state !== 'possible')
}

/** As isEnded(), and no other attempt writes into the store either. */
export function isQuiet(live: LiveJob): boolean {
  return isEnded(live) && !live.observation.lingering
}
