import { type Lender, Pool, using } from './pool.ts'
import { Slabs } from './slabs.ts'
import { Turns } from './turns.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** Files up to this size are sent whole. */
export const wholeBytes = 8 * MiB
/** What the buffers of a file with larger parts may take together; also S3's most parts of an upload. */
const maxBufferBytes = 64 * MiB
const maxParts = 10_000

/**
 * The memory that file contents pass through, used over and over: 44 MiB whatever is uploaded, plus 64 MiB while a
 * file of more than 156 GiB is. The sizes also bound how many files are read and sent at once; `turns` says how
 * many of the small ones the store takes.
 */
export class Buffers {
  readonly turns = new Turns()
  readonly #slabs = new Slabs(2, 2 * wholeBytes)
  readonly #classes: { bytes: number; lender: Lender<Buffer> }[] = [
    { bytes: 64 * KiB, lender: poolOf(64, 64 * KiB) },
    { bytes: MiB, lender: poolOf(8, MiB) },
    { bytes: wholeBytes, lender: this.#slabs.halves },
  ]
  readonly #largeFiles = new Pool(4, () => true)
  readonly #hugeFiles = new Pool(1, () => true)

  /** Runs a task with a buffer of exactly `size` bytes, at most `wholeBytes`; `isAhead`: before those that wait for one. */
  useFor<R>(size: number, task: (buffer: Buffer) => Promise<R>, isAhead = false): Promise<R> {
    const fitting = this.#classes.find(({ bytes }) => bytes >= size)
    if (fitting === undefined) throw new Error(`no buffer holds ${size} bytes`)
    return using(fitting.lender, (buffer) => task(buffer.subarray(0, size)), isAhead)
  }

  /** Runs a task that sends a file in parts of that size; few such run at once. */
  useForParts<R>(partSize: number, task: (parts: Lender<Buffer>) => Promise<R>): Promise<R> {
    const { halves, wholes } = this.#slabs
    if (partSize <= 2 * wholeBytes)
      return using(this.#largeFiles, () => task(partSize <= wholeBytes ? halves : wholes))
    return using(this.#hugeFiles, () => task(poolOf(Math.floor(maxBufferBytes / partSize), partSize)))
  }
}

/** An answer within so long is one of a store close by, though its disk may be slow. */
const nearMs = 15
/** Smaller files' parts are rather sent at once. */
export const largePartsFrom = 64 * MiB

/**
 * The size of the parts for a file of that size; undefined where it is too large for S3's 10,000 parts. A store close by
 * is bound by what a part costs it: larger parts, two at once, cost both sides a tenth less. On a longer way it is how many are on
 * it that counts. `leastMs`: the store's quickest answer so far.
 */
export function partSizeFor(size: number, leastMs: number): number | undefined {
  const least = Math.ceil(size / maxParts / MiB) * MiB
  const wanted = leastMs < nearMs && size >= largePartsFrom ? 2 * wholeBytes : wholeBytes
  const partSize = Math.max(wanted, least)
  return partSize <= maxBufferBytes ? partSize : undefined
}

function poolOf(count: number, bytes: number): Pool<Buffer> {
  // Not from Node's shared slab: it must never be moved or freed piecemeal.
  return new Pool<Buffer>(count, () => Buffer.allocUnsafeSlow(bytes))
}
