import type { BigIntStats } from 'node:fs'
import type { EntryLine } from '../journal/line.ts'
import { fingerprint } from '../scan/entry-of.ts'

/**
 * `settledAt`: when the file may be sent if it doesn't change before, in milliseconds since the
 * epoch.
 */
export type SendDecision =
  | { send: true; why: 'new' | 'changed' | 'verify' }
  | { send: false; settledAt?: number }

export interface ChoiceInputs {
  /** Milliseconds since the epoch, by the clock of the file's times. */
  now: number
  /** How often the file was sent again; also counts attempts during which it changed. */
  again: number
  /** False on tmpfs: there writes through mapped memory never set a file's times. */
  timesCanBeTrusted: boolean
}

/**
 * A file has settled when size, times and inode are unchanged for this long. SIGTERM comes 0.9 s
 * after a worker's end.
 */
export const settleMs = 500
/** Before a file is sent again it must rest this many times longer than the time before. */
const restFactor = 8
/** A file that keeps changing is sent again this often; later changes wait for the worker's end. */
export const mostAgain = 3
/**
 * By then a small file's times show every write (upload-file.ts: writeBackMs): its bytes are
 * compared once more.
 */
const verifyAfterMs = 65_000

/**
 * Sends settled files. Each time a file must rest longer: a log that grows for hours isn't sent
 * every few seconds.
 */
export function selectSettled(
  stat: BigIntStats,
  known: Pick<EntryLine, 'fingerprint' | 'verify'> | undefined,
  { now, again, timesCanBeTrusted }: ChoiceInputs,
): SendDecision {
  const changedAt = lastChange(stat, now)
  if (known?.fingerprint === fingerprint(stat)) {
    if (!known.verify || !timesCanBeTrusted) return { send: false }
    return from(changedAt + verifyAfterMs, now, 'verify')
  }
  if (again >= mostAgain) return { send: false }
  return from(changedAt + settleMs * restFactor ** again, now, known === undefined ? 'new' : 'changed')
}

/**
 * When a file was last written to or renamed: its ctime, which no program can set. Its mtime, which
 * programs can set, only if it is later and not in the future.
 */
export function lastChange(stat: BigIntStats, now: number): number {
  const [changed, modified] = [milliseconds(stat.ctimeNs), milliseconds(stat.mtimeNs)]
  return modified <= now ? Math.max(changed, modified) : changed
}

function from(time: number, now: number, why: 'new' | 'changed' | 'verify'): SendDecision {
  return now >= time ? { send: true, why } : { send: false, settledAt: time }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n)
}
