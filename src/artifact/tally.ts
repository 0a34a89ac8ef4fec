import type { Entry } from './entry.ts'

/** What a manifest's head says of its entries. */
export interface Tally {
  count: number
  bytes: number
  errors: number
}

export function emptyTally(): Tally {
  return { count: 0, bytes: 0, errors: 0 }
}

/** Counts an entry in. A skipped name's `error` says what it is and is none. */
export function addToTally(tally: Tally, entry: Entry): void {
  tally.count += 1
  if (entry.type === 'file') tally.bytes += entry.size ?? 0
  if (entry.type !== 'skipped' && entry.error !== undefined) tally.errors += 1
}
