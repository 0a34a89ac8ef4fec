import { existsSync, renameSync, rmSync } from 'node:fs'
import type { StateDirectory } from '../state-directory.ts'
import { Cursor } from './cursor.ts'
import { Journal } from './journal.ts'
import { isGone, type JournalLine, keysOf } from './line.ts'

/**
 * The journals of the result directory: three files that a kill at any moment leaves usable.
 * - `known.ndjson`: as the checkpoints have it
 * - `recovered.ndjson`: newer lines of interrupted scans; the checkpoints may have a part of them
 * - `next.ndjson`: of the current scan
 */
export class Journals {
  readonly #known: string
  readonly #recovered: string
  readonly #next: string

  constructor(state: StateDirectory) {
    this.#known = state.path('known.ndjson')
    this.#recovered = state.path('recovered.ndjson')
    this.#next = state.path('next.ndjson')
  }

  /** Begins a journal. The lines of an interrupted scan are kept in `recovered`. */
  begin(): { journal: Journal; known: Cursor; recovered: Cursor } {
    this.#recover()
    return {
      journal: new Journal(this.#next),
      known: new Cursor(this.#known),
      recovered: new Cursor(this.#recovered),
    }
  }

  /** The scan is complete and the checkpoints have all of it: its journal becomes `known`. */
  adopt(): void {
    // In this order: after a kill in between, the complete journal counts as one of an interrupted
    // scan.
    rmSync(this.#recovered, { force: true })
    renameSync(this.#next, this.#known)
  }

  #recover(): void {
    if (!existsSync(this.#next)) return
    const merged = `${this.#recovered}.merged`
    merge(this.#recovered, this.#next, merged)
    renameSync(merged, this.#recovered)
    rmSync(this.#next)
  }
}

/**
 * The lines of both journals in order, for a path in both the newer one. Lines that the checkpoints
 * have are left out: otherwise the next checkpoint would repeat them.
 */
function merge(older: string, newer: string, target: string): void {
  using a = new Cursor(older)
  using b = new Cursor(newer)
  using journal = new Journal(target)
  for (;;) {
    const [x, y] = [a.peek(), b.peek()]
    if (x === undefined && y === undefined) break
    const takeOlder = y === undefined || (x !== undefined && x.path < y.path)
    const before = !takeOlder && x?.path === y.path ? a.next()?.line : undefined
    const taken = (takeOlder ? a : b).next()?.line
    if (taken !== undefined && (isGone(taken) || taken.changed)) journal.append(holding(taken, before))
  }
  journal.flush()
}

/**
 * The line with the keys of `before`, which checkpoints may name until the next one is complete.
 */
function holding(line: JournalLine, before: JournalLine | undefined): JournalLine {
  const own = keysOf(line)
  const held = before === undefined ? [] : keysOf(before).filter((key) => !own.includes(key))
  return held.length === 0 ? line : { ...line, held: [...(line.held ?? []), ...held] }
}
