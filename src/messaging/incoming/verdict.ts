import type { ErrorCode } from '../../util/errors.ts'
import { laterSeconds } from '../broker/names.ts'

/** These pass by themselves: such a message is tried as long as it takes. */
const temporary: readonly ErrorCode[] = [
  'too-many-jobs',
  'refused',
  'unavailable',
  'busy',
  'deletion-under-way',
  'not-final',
  'not-started',
]

/**
 * Tries of these, since they may pass: the message that makes a job may wait while the one that
 * cancels it comes.
 */
const patience: Partial<Record<ErrorCode, number>> = { 'not-found': 5, conflict: 5, internal: 8 }

/**
 * Seconds after which a message that was not carried out is tried again, `tries` being those before
 * this one; undefined: never.
 */
export function secondsToNextTry(code: ErrorCode, tries: number): number | undefined {
  const isTemporary = temporary.includes(code) || tries + 1 < (patience[code] ?? 0)
  return isTemporary ? laterSeconds[Math.min(tries, laterSeconds.length - 1)] : undefined
}
