import { createHash } from 'node:crypto'
import { type Entry, pathBytes } from '../entry.ts'
import { DamagedManifest, decodeEntry, decodePoint, entriesPerPoint, type Foot } from './manifest-format.ts'

/** Whole lines of the object: the bytes from `start` up to, but without, `end`. */
export interface Span {
  start: number
  end: number
}

const pieceBytes = 256 * 1024

/**
 * The sparse index, kept and searched in memory. A block is the lines from one point to the next.
 */
export class ManifestIndex {
  readonly #paths: Buffer[] = []
  readonly #offsets: number[] = []
  readonly #digests: (string | undefined)[] = []
  readonly #key: string
  readonly #end: number
  /** Approximate bytes in memory. */
  readonly weight: number

  /** Parses the index's `bytes`; throws DamagedManifest. */
  constructor(key: string, bytes: Buffer, foot: Foot, count: number) {
    this.#key = key
    const lines = bytes.length === 0 ? [] : bytes.toString('utf8', 0, bytes.length - 1).split('\n')
    if (lines.length !== Math.ceil(count / entriesPerPoint)) {
      throw new DamagedManifest(key, `its index has ${lines.length} lines for ${count} entries`)
    }
    for (const line of lines) {
      const point = decodePoint(key, line)
      const path = pathBytes(point)
      const before = this.#paths.at(-1)
      if (before !== undefined && Buffer.compare(before, path) >= 0) {
        throw new DamagedManifest(key, 'the lines of its index are not sorted')
      }
      this.#paths.push(path)
      this.#offsets.push(point.offset)
      if ((point.sha256 === undefined) !== (foot.ends_sha256 === undefined)) {
        throw new DamagedManifest(key, 'its foot and its index do not fit each other')
      }
      this.#digests.push(point.sha256)
    }
    this.#end = foot.index_offset
    this.weight = bytes.length + lines.length * 250
  }

  /**
   * The block that has the path's entry, if the manifest has one; undefined before the first entry.
   */
  around(path: Uint8Array): Span | undefined {
    const block = this.#firstBehind(path) - 1
    return block < 0 ? undefined : { start: this.#offset(block), end: this.#offset(block + 1) }
  }

  /**
   * The blocks with the first `atMost` entries from the path `lower` on, and before `upper`. As
   * blocks are whole, they may contain further entries.
   */
  between(lower: Uint8Array, upper: Uint8Array | undefined, atMost = Number.POSITIVE_INFINITY): Span {
    const first = Math.max(0, this.#firstBehind(lower) - 1)
    const byCount = first + 1 + Math.ceil(atMost / entriesPerPoint)
    const byPath = upper === undefined ? this.#paths.length : this.#firstBehind(upper)
    const start = this.#offset(first)
    return { start, end: Math.max(start, this.#offset(Math.min(byCount, byPath))) }
  }

  /** Divides the span into pieces of whole blocks, each for one read into memory. */
  *pieces(span: Span): Generator<Span, void> {
    let start = span.start
    for (const offset of this.#offsets) {
      if (offset >= span.end) break
      if (offset - start < pieceBytes) continue
      yield { start, end: offset }
      start = offset
    }
    if (start < span.end) yield { start, end: span.end }
  }

  /**
   * Throws DamagedManifest if the bytes of a span of this index differ from the index's SHA-256.
   */
  check(span: Span, bytes: Buffer): void {
    for (const [block, offset] of this.#offsets.entries()) {
      const digest = this.#digests[block]
      if (offset >= span.end) break
      if (offset < span.start || digest === undefined) continue
      const lines = bytes.subarray(offset - span.start, this.#offset(block + 1) - span.start)
      if (createHash('sha256').update(lines).digest('hex') === digest) continue
      const path = JSON.stringify(this.#paths[block]?.toString())
      throw new DamagedManifest(this.#key, `the SHA-256 of its entries from ${path} on is another one`)
    }
  }

  #offset(block: number): number {
    return this.#offsets[block] ?? this.#end
  }

  #firstBehind(path: Uint8Array): number {
    return firstIndex(this.#paths.length, (i) => Buffer.compare(this.#paths[i] ?? Buffer.alloc(0), path) > 0)
  }
}

/** The path's entry among sorted lines; undefined if it is not there. Throws DamagedManifest. */
export function findEntry(key: string, lines: readonly string[], path: Uint8Array): Entry | undefined {
  const entryAt = (i: number) => decodeEntry(key, lines[i] ?? '')
  const found = firstIndex(lines.length, (i) => Buffer.compare(pathBytes(entryAt(i)), path) >= 0)
  if (found === lines.length) return undefined
  const entry = entryAt(found)
  return Buffer.compare(pathBytes(entry), path) === 0 ? entry : undefined
}

/**
 * Binary search: the first index below `count` for which `is` is true, or `count`. `is` must be
 * true for all following indexes as well.
 */
function firstIndex(count: number, is: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (is(middle)) high = middle
    else low = middle + 1
  }
  return low
}
