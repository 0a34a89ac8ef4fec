import { type Entry, pathFields } from '../../src/result-format/entry.ts'
import type { Joined } from '../journal/join.ts'
import { type EntryLine, isGone, type JournalLine } from '../journal/line.ts'
import { toBytes } from '../scan/byte-path.ts'
import { entryOf, fingerprint } from '../scan/entry-of.ts'
import type { Found } from '../scan/found.ts'

/** What a pass does about a path; store-entry.ts carries it out. */
export type PathDecision =
  /** Nothing is there and nothing was known: the journal gets no line. */
  | { action: 'skip' }
  /**
   * The line says all: a removed path, an unchanged or unselected file, anything that is no regular
   * file.
   */
  | { action: 'record'; line: JournalLine }
  /** A file that is to be opened and stored; `known` is the newest version that is in the store. */
  | { action: 'store'; found: FoundFile; known: EntryLine | undefined }

export type FoundFile = Found & { type: 'file' }

/** Whether a file is to be stored now; a file that isn't selected stays as it is known. */
export type SelectsFile = (found: FoundFile, known: EntryLine | undefined) => boolean

export interface DecisionRules {
  /** The worker has ended: bytes that may have changed without the file's times are compared. */
  final: boolean
  /** Absent: every file that isn't known to be unchanged. */
  selects?: SelectsFile | undefined
}

export function decide(joined: Joined, { final, selects }: DecisionRules): PathDecision {
  const { found } = joined
  if (found?.type !== 'file') return decideWithoutFile(joined, found)
  const known = newestKnown(joined)
  const isWanted = selects === undefined ? !isUnchanged(found, known, final) : selects(found, known)
  if (isWanted) return { action: 'store', found, known }
  return known?.entry.type === 'file' ? record(known, joined) : decideWithoutFile(joined, undefined)
}

/** For a path where no regular file can be opened: what is there instead, undefined for nothing. */
export function decideWithoutFile(joined: Joined, found: Found | undefined): PathDecision {
  if (found !== undefined) return record({ entry: entryOf(found) }, joined)
  if (joined.checkpointed === undefined && joined.recovered === undefined) return { action: 'skip' }
  return { action: 'record', line: { gone: { ...pathFields(toBytes(joined.path)), removed: true } } }
}

/**
 * The line, marked `changed` unless the checkpoints say the same. What an interrupted pass had
 * found is always marked: the checkpoints may have a part of it.
 */
export function compared(line: EntryLine, { checkpointed: known, recovered }: Joined): EntryLine {
  const { changed: _c, held: _h, ...rest } = line
  const isKnown = recovered === undefined && known !== undefined && isEqual(known.entry, line.entry)
  return isKnown ? rest : { ...rest, changed: true }
}

function record(line: EntryLine, joined: Joined): PathDecision {
  return { action: 'record', line: compared(line, joined) }
}

/**
 * What an interrupted pass found is newer than the checkpoints: its object may have replaced
 * theirs.
 */
export function newestKnown({ checkpointed: known, recovered }: Joined): EntryLine | undefined {
  if (recovered === undefined) return known
  return isGone(recovered) ? undefined : recovered
}

function isUnchanged(found: FoundFile, known: EntryLine | undefined, final: boolean): boolean {
  return known?.fingerprint === fingerprint(found.stat) && !(final && known.verify)
}

function isEqual(a: Entry, b: Entry): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
