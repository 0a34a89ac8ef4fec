import type { Stop } from '../../job/state/observation.ts'
import { type Duty, type KnownJob, progressOf } from './known-job.ts'

/** What a decision depends on besides the job. */
export interface Situation {
  /** Milliseconds since the epoch. */
  now: number
  /** Only the leader stops, archives and removes jobs. */
  isLeader: boolean
  /** The backend shows what is the case now (JobBackend.isCurrent). */
  isCurrent: boolean
}

/** Something to be done for a job. */
export type TrackingAction =
  | { duty: Exclude<Duty, 'stop' | 'announce-stop' | 'follow-log'> }
  | { duty: 'stop' | 'announce-stop'; stop: Stop }
  | { duty: 'follow-log'; attempt: string }

/**
 * A policy's decision: at most one action, and when the job is to be looked at again (milliseconds
 * since the epoch).
 */
export interface Plan {
  action?: TrackingAction
  lookAgainAt?: number
}

/** Nothing while the action's duty is running or done; a later look during its backoff. */
export function begin(known: KnownJob, action: TrackingAction, now: number): Plan {
  const { state, notBefore } = progressOf(known, action.duty)
  if (state !== 'idle') return {}
  return now < notBefore ? { lookAgainAt: notBefore } : { action }
}
