import { backoff } from '../../util/backoff.ts'

/** 1 s, doubled each time up to an hour, and all that between 0.8 and 1.2 times. */
const retryDelay = backoff({ first: 1_200, max: 1.2 * 3_600_000, jitter: 1 / 3 })
const patience = 24 * 3_600_000
/** Between attempts with a message that is never given up. */
const mostPause = 5 * 60_000

export interface Tries {
  /** Time of the first attempt, in milliseconds since the epoch. */
  createdAt: number
  /** Attempts so far. */
  count: number
  /** The receiver's Retry-After, in milliseconds from now. */
  retryAfter?: number | undefined
}

/**
 * When it is tried again, in milliseconds since the epoch: after 1 s, doubled each time up to an
 * hour, of that between 0.8 and 1.2 times as `random` in [0, 1) says, and not before the receiver
 * wants it; the last time 24 h after it was to be sent first. Undefined where that is over.
 */
export function nextTry({ createdAt, count, retryAfter = 0 }: Tries, now: number, random: number) {
  const last = createdAt + patience
  if (now >= last) return undefined
  return Math.min(last, now + Math.max(retryDelay(count, random), retryAfter))
}

/** As nextTry, for a message that is never given up: after at most 5 minutes. */
export function nextEndlessTry(count: number, now: number, random: number): number {
  return now + Math.min(mostPause, retryDelay(count, random))
}

/**
 * Milliseconds in a Retry-After header (RFC 9110 section 10.2.3): seconds or a date; undefined if
 * it is neither.
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
