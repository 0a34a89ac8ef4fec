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
}

/** Known before, not there any more. */
export interface GoneLine {
  gone: RemovedLine
}

export function isGone(line: JournalLine): line is GoneLine {
  return 'gone' in line
}
