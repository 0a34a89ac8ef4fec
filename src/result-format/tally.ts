import { type Entry, pathBytes } from './entry.ts'
import { cut, shownShort } from './shown-path.ts'

/** The totals of a manifest's entries in its head. */
export interface Tally {
  /** Entries of every type. */
  count: number
  /** Sum of the sizes of the files whose bytes are in the store. */
  bytes: number
  /** Entries that lack bytes: files that are not in the store, folders that could not be listed. */
  errors: number
  /** The first of `errors`, for messages. */
  first_error?: { path: string; error: string }
  /** Sockets, FIFOs and devices; absent for none. */
  skipped?: number
}

export function emptyTally(): Tally {
  return { count: 0, bytes: 0, errors: 0 }
}

/** Adds an entry. The `error` of a skipped name is its type and does not count as an error. */
export function addToTally(tally: Tally, entry: Entry): void {
  tally.count += 1
  if (entry.type === 'file' && entry.error === undefined) tally.bytes += entry.size ?? 0
  if (entry.type === 'skipped') tally.skipped = (tally.skipped ?? 0) + 1
  else if (entry.error !== undefined) {
    tally.errors += 1
    tally.first_error ??= { path: shownShort(pathBytes(entry)), error: cut(entry.error, longestError) }
  }
}

const longestError = 200
