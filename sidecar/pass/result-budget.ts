import type { BigIntStats } from 'node:fs'
import type { ReachedLimit, ResultLimits } from '../../src/result-format/result-limits.ts'
import { shownShort } from '../../src/result-format/shown-path.ts'
import { type BytePath, toBytes } from '../scan/byte-path.ts'
import { inodeOf, isLinked } from '../scan/entry-of.ts'

type LimitName = ReachedLimit['name']

/** Bounds the memory; a file with several links beyond this number counts for each of its names. */
const mostInodes = 50_000

/**
 * The operator's limits in one pass. Paths come in the manifest's order, so what fits is the same
 * in each pass over the same tree. A file that does not fit is left out alone: smaller ones behind
 * it may fit.
 */
export class ResultBudget {
  readonly #limits: ResultLimits
  readonly #reached = new Map<LimitName, ReachedLimit>()
  readonly #inodes = new Set<string>()
  #bytes = 0
  #entries = 0

  constructor(limits: ResultLimits) {
    this.#limits = limits
  }

  /** Counts an entry; false if the result takes no further one. */
  takeEntry(path: BytePath): boolean {
    const { maxEntries } = this.#limits
    if (this.#entries >= maxEntries) {
      this.#note('RESULT_MAX_ENTRIES', maxEntries, path)
      return false
    }
    this.#entries += 1
    return true
  }

  /**
   * Counts the bytes of a file that are in the store, or will be: none for a further name of a file
   * that was counted. Returns their number, or the entry's error if they don't fit.
   */
  takeBytes(path: BytePath, size: bigint, stat: BigIntStats): { counted: bigint } | { error: string } {
    const inode = isLinked(stat) ? inodeOf(stat) : undefined
    if (inode !== undefined && this.#inodes.has(inode)) return { counted: 0n }
    if (!this.grow(Number(size))) {
      const { maxBytes } = this.#limits
      this.#note('RESULT_MAX_BYTES', maxBytes, path)
      return { error: `left out: the result would be larger than RESULT_MAX_BYTES, ${maxBytes} bytes` }
    }
    if (inode !== undefined && this.#inodes.size < mostInodes) this.#inodes.add(inode)
    return { counted: size }
  }

  /** Counts bytes beyond those of takeBytes(); false if they don't fit. */
  grow(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.maxBytes) return false
    this.#bytes += bytes
    return true
  }

  /** The limits that left something out; empty for a result within its limits. */
  get reached(): ReachedLimit[] {
    return [...this.#reached.values()]
  }

  #note(name: LimitName, value: number, path: BytePath): void {
    const reached = this.#reached.get(name) ?? { name, value, left_out: 0, first: shownShort(toBytes(path)) }
    reached.left_out += 1
    this.#reached.set(name, reached)
  }
}
