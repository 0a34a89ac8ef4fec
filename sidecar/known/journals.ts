import { existsSync, renameSync, rmSync } from 'node:fs'
import type { StateDirectory } from '../state-directory.ts'
import { Cursor } from './cursor.ts'
import { Journal } from './journal.ts'
import { isGone, type JournalLine, keysOf } from './line.ts'

/**
 * What is known of the result directory, as three files that a kill at any moment leaves usable:
 * - `known.ndjson`: what the checkpoints say
 * - `recovered.ndjson`: what scans that were cut short had found and sent since, of which checkpoints may say a part
 * - `next.ndjson`: the journal of the scan under way
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

  /** Begins a journal, after keeping what the last one says if its scan was cut short. */
  begin(): { journal: Journal; known: Cursor; recovered: Cursor } {
    this.#recover()
    return {
      journal: new Journal(this.#next),
      known: new Cursor(this.#known),
      recovered: new Cursor(this.#recovered),
    }
  }

  /** The scan is complete and the checkpoints say all of it: its journal is what is known from now on. */
  adopt(): void {
    // In this order: a kill in between leaves a journal that is whole, taken for one that was cut short.
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
 * Both journals' lines in order; where both have one of a path, the newer's. Lines that say the same as the checkpoints
 * are left out: of a scan that was cut short they would be told again.
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

/** A line that keeps hold of the keys of `before`, which checkpoints may name until all is told. */
function holding(line: JournalLine, before: JournalLine | undefined): JournalLine {
  const own = keysOf(line)
  const held = before === undefined ? [] : keysOf(before).filter((key) => !own.includes(key))
  return held.length === 0 ? line : { ...line, held: [...(line.held ?? []), ...held] }
}
