import type { BytePath } from '../scan/byte-path.ts'
import type { Found } from '../scan/found.ts'
import type { Cursor } from './cursor.ts'
import { isGone, type JournalLine, type KnownLine, keysOf } from './line.ts'

/** All that is known of one path. */
export interface Joined {
  path: BytePath
  /** What is there now. */
  found?: Found
  /** What the checkpoints say. */
  known?: KnownLine
  /** What scans that were cut short found; newer than `known`. */
  recovered?: JournalLine
}

/** Keys of the file's versions that checkpoints may name: an object under one of them must stay as it is. */
export function keysInUse({ known, recovered }: Joined): string[] {
  return [known, recovered].flatMap((line) => (line === undefined ? [] : keysOf(line)))
}

/** Brings a scan together with what is known: all three are sorted, each path comes once. */
export function* join(scan: Iterable<Found>, known: Cursor, recovered: Cursor): Generator<Joined, void> {
  for (const found of scan) {
    yield* before(found.path, known, recovered)
    yield { ...takeAt(found.path, known, recovered), found }
  }
  yield* before(undefined, known, recovered)
}

/** Known paths in front of `bound` that were not found. */
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
  if (knownLine !== undefined && !isGone(knownLine)) joined.known = knownLine
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
