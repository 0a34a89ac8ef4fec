import type { BytePath } from '../scan/byte-path.ts'
import type { Found } from '../scan/found.ts'
import type { Cursor } from './cursor.ts'
import { type EntryLine, isGone, type JournalLine, keysOf } from './line.ts'

/** A path with all that a pass and the journals have about it. */
export interface Joined {
  path: BytePath
  /** The scan's. */
  found?: Found
  /** The checkpoints'. */
  checkpointed?: EntryLine
  /** Of interrupted scans; newer than `checkpointed`. */
  recovered?: JournalLine
}

/**
 * Keys of the file's versions that checkpoints may name: an object under one of them must stay as
 * it is.
 */
export function keysInUse({ checkpointed: known, recovered }: Joined): string[] {
  return [known, recovered].flatMap((line) => (line === undefined ? [] : keysOf(line)))
}

/** Merges a scan with the journals: all three are sorted, and each path comes once. */
export function* join(scan: Iterable<Found>, known: Cursor, recovered: Cursor): Generator<Joined, void> {
  for (const found of scan) {
    yield* before(found.path, known, recovered)
    yield { ...takeAt(found.path, known, recovered), found }
  }
  yield* before(undefined, known, recovered)
}

/** Paths of the journals before `bound` that the scan did not find. */
function* before(bound: BytePath | undefined, known: Cursor, recovered: Cursor): Generator<Joined, void> {
  for (;;) {
    const path = lesser(known.peek()?.path, recovered.peek()?.path)
    if (path === undefined || (bound !== undefined && path >= bound)) return
    yield takeAt(path, known, recovered)
  }
}

function takeAt(path: BytePath, known: Cursor, recovered: Cursor): Joined {
  const joined: Joined = { path }
  const knownLine = takeLine(path, known)
  if (knownLine !== undefined && !isGone(knownLine)) joined.checkpointed = knownLine
  const recoveredLine = takeLine(path, recovered)
  if (recoveredLine !== undefined) joined.recovered = recoveredLine
  return joined
}

function takeLine(path: BytePath, cursor: Cursor): JournalLine | undefined {
  return cursor.peek()?.path === path ? cursor.next()?.line : undefined
}

function lesser(a: BytePath | undefined, b: BytePath | undefined): BytePath | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a < b ? a : b
}
