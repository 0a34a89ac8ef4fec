import type { Entry } from '../../src/artifact/entry.ts'
import type { RemovedLine } from '../../src/artifact/manifest.ts'

/**
 * A line of a scan's journal, in the order of the paths' bytes: what was found and, for a file in the store, what
 * tells whether it is still the same.
 */
export type JournalLine = KnownLine | GoneLine

export interface KnownLine {
  entry: Entry
  /** Of the file when its bytes were read (scan/entry-of.ts); files in the store only. */
  fingerprint?: string
  /** Its bytes may have changed since without its times: they are to be compared. */
  verify?: true
  /** Not as the checkpoints say. */
  changed?: true
  held?: HeldKeys
}

/** Known before, not there any more. */
export interface GoneLine {
  gone: RemovedLine
  held?: HeldKeys
}

/** Of versions before it that scans which were cut short had sent: checkpoints may still name them. */
type HeldKeys = readonly string[]

export function isGone(line: JournalLine): line is GoneLine {
  return 'gone' in line
}

/** Keys that checkpoints may name, going by what a journal says of a path. */
export function keysOf(line: JournalLine): string[] {
  const key = isGone(line) ? undefined : line.entry.key
  return [...(key === undefined ? [] : [key]), ...(line.held ?? [])]
}
