import type { JobBackend } from '../../../job/backend.ts'
import type { Job } from '../../../job/job.ts'
import type { Leadership } from '../../../job/leadership.ts'
import type { LogName } from '../../../job/log-name.ts'
import type { ArtifactStore } from '../../../store/store.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Log } from '../../../util/log.ts'
import { defined } from '../../../util/objects.ts'
import { Semaphore } from '../../../util/semaphore.ts'
import type { KnownJob, TrackedJob } from '../known-job.ts'

/** What is done for a job outside the tracker. Each may be called again after a rejection. */
export interface JobDuties {
  /** A job as it is now, live or finished; undefined if it is unknown or being removed. */
  findJob(uuid: string): Promise<Job | undefined>
  /** Notifies the job's consumers of its end. */
  notifyEnd(job: Job): Promise<void>
  /** Begins to follow the worker's log of an attempt whose pod is going. */
  followLog(uuid: string, attempt: string, name: LogName): void
  /**
   * Resolves once the job's log isn't followed any more, which may take a minute; never rejects.
   */
  untilFollowed(job: TrackedJob): Promise<void>
  /** Brings logs and final record of a job that has ended into the store. */
  archive(job: TrackedJob): Promise<void>
  /** The job is archived; its backend may let it go, unless it had to before (`letGo`). */
  release(job: TrackedJob, letGo: boolean): Promise<void>
  /** Removes a deleted job from store and backend. */
  remove(job: TrackedJob): Promise<void>
  /** A deleted job was let go before it was archived or removed. */
  onGivenUp(): void
}

export interface ActionParts extends JobDuties {
  backend: JobBackend
  leadership: Leadership
  store: ArtifactStore
  log: Log
  clock: Clock
  limits: ActionLimits
}

/** A job while an action for it runs. */
export interface RunningJob {
  /** As it is known at this moment. */
  readonly known: KnownJob
  /** False once the job is let go or its uuid is another job's, and once the tracker is closed. */
  readonly isCurrent: boolean
}

/** How an action ended. */
export interface ActionOutcome {
  /** It failed and has said so in the log. */
  failed?: true
  /** The action is never to be repeated. */
  done: boolean
  /** Milliseconds until it may begin again. */
  delay: number
  /** What it found out about the job. */
  learned?(known: KnownJob): Partial<KnownJob>
}

export const done: ActionOutcome = { done: true, delay: 0 }

/** It may begin again in `delay` milliseconds. */
export function again(delay = 0, learned?: ActionOutcome['learned']): ActionOutcome {
  return { done: false, delay, ...defined({ learned }) }
}

/**
 * How many jobs are worked for at once, though thousands end together: each takes a part of a log
 * in memory and a few requests. No name of a semaphore's holders keeps the others out.
 */
export interface ActionLimits {
  archive: Semaphore<'archive' | 'remove'>
  release: Semaphore
  lookUp: Semaphore<'ask' | 'settle'>
  notify: Semaphore
  awaitJobs: Semaphore
}

export function createLimits(): ActionLimits {
  return {
    archive: new Semaphore(48, 32),
    release: new Semaphore(48),
    lookUp: new Semaphore(96, 64),
    notify: new Semaphore(64),
    awaitJobs: new Semaphore(16),
  }
}
