import type { Entry } from '../../src/result-format/entry.ts'
import type { RemovedLine } from '../../src/result-format/manifest/manifest.ts'

/**
 * A line of a scan's journal, sorted by the paths' bytes. For a file in the store it has the
 * fingerprint by which the next scan recognizes the file.
 */
export type JournalLine = EntryLine | GoneLine

export interface EntryLine {
  entry: Entry
  /** Of the file when its bytes were read (scan/entry-of.ts); only for files in the store. */
  fingerprint?: string
  /** The bytes may have changed since while the times stayed: they must be compared. */
  verify?: true
  /** The checkpoints don't have this line yet. */
  changed?: true
  held?: HeldKeys
}

/** A path of an earlier scan that is not there any more. */
export interface GoneLine {
  gone: RemovedLine
  held?: HeldKeys
}

/** Keys of older versions, sent by interrupted scans: checkpoints may still name them. */
type HeldKeys = readonly string[]

export function isGone(line: JournalLine): line is GoneLine {
  return 'gone' in line
}

/** Keys that checkpoints may name for the line's path. */
export function keysOf(line: JournalLine): string[] {
  const key = isGone(line) ? undefined : line.entry.key
  return [...(key === undefined ? [] : [key]), ...(line.held ?? [])]
}
