import type { Entry } from '../../src/result-format/entry.ts'
import { withoutForm } from '../../src/result-format/stored-form.ts'
import type { EntryLine } from '../journal/line.ts'

/** A file that a halt kept from being stored, and the line that says so. */
export interface Unstored {
  unstored: EntryLine
}

export const unstoredError = 'not stored: storing was stopped before this file was whole in the store'

/**
 * `known` if it is a version that the store has: a partial result keeps it. Else the entry with an
 * error and without a fingerprint, so that a later pass stores the file.
 */
export function unstoredLine(entry: Entry, known: EntryLine | undefined): EntryLine {
  if (known?.entry.sha256 !== undefined && known.entry.error === undefined) return known
  const { sha256: _, ...rest } = withoutForm(entry)
  return { entry: { ...rest, error: unstoredError } }
}

/** Both keep the last checkpoint small, and in time. */
const longestMs = 400
const mostNames = 10_000

/** After a halt: true for each further name that may still be listed. */
export function boundedListing(now = () => performance.now()): () => boolean {
  let names = 0
  let since: number | undefined
  return () => {
    since ??= now()
    names += 1
    return names <= mostNames && now() - since < longestMs
  }
}
