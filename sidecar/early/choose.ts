import type { BigIntStats } from 'node:fs'
import type { KnownLine } from '../known/line.ts'
import { fingerprint } from '../scan/entry-of.ts'

/** What is to be done with a file while its worker runs; `lookAt` is when that may be another, in ms since the epoch. */
export type Choice = { send: true; why: 'new' | 'changed' | 'verify' } | { send: false; lookAt?: number }

export interface Circumstances {
  /** Milliseconds since the epoch, by the clock of the file's times. */
  now: number
  /** How often the file was sent again already, or was given up since it changed meanwhile. */
  again: number
  /** False where writes through mapped memory never set a file's times. */
  timesCanBeTrusted: boolean
}

/** Size, times and inode unchanged for so long: nobody is writing, as it seems. A worker's end is heard of 0.9 s later. */
export const settleMs = 500
/** Each time that a file is sent again it has to rest that many times as long. */
const restFactor = 8
/** A file that changes again and again is sent that often; what comes then waits for the worker's end. */
export const mostAgain = 3
/** From then on a small file's times tell of every write (send-file.ts: writeBackMs): it is compared once more. */
const verifyAfterMs = 65_000

/**
 * Whether a file has settled and is worth sending now. Each time it has to rest longer: a log that grows for hours
 * isn't sent every few seconds.
 */
export function choose(
  stat: BigIntStats,
  known: Pick<KnownLine, 'fingerprint' | 'verify'> | undefined,
  { now, again, timesCanBeTrusted }: Circumstances,
): Choice {
  const changedAt = lastChange(stat, now)
  if (known?.fingerprint === fingerprint(stat)) {
    if (!known.verify || !timesCanBeTrusted) return { send: false }
    return from(changedAt + verifyAfterMs, now, 'verify')
  }
  if (again >= mostAgain) return { send: false }
  return from(changedAt + settleMs * restFactor ** again, now, known === undefined ? 'new' : 'changed')
}

/**
 * When a file was last written to or renamed: by its ctime, which nobody can set; its mtime, which anybody can, only
 * where it is later than that and not in the future.
 */
export function lastChange(stat: BigIntStats, now: number): number {
  const [changed, modified] = [milliseconds(stat.ctimeNs), milliseconds(stat.mtimeNs)]
  return modified <= now ? Math.max(changed, modified) : changed
}

function from(time: number, now: number, why: 'new' | 'changed' | 'verify'): Choice {
  return now >= time ? { send: true, why } : { send: false, lookAt: time }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n)
}
