import { Pool } from './pool.ts'
import { Turns } from './turns.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** Files up to this size are sent whole, larger ones in parts of it. */
export const partBytes = 8 * MiB
/** What the buffers of a file with larger parts may take together; also S3's most parts of an upload. */
const maxBufferBytes = 64 * MiB
const maxParts = 10_000

/**
 * The memory that file contents pass through, used over and over: 44 MiB whatever is uploaded, plus 64 MiB while a
 * file of more than 78 GiB is. The sizes also bound how many files are read and sent at once; `turns` says how
 * many of the small ones the store takes.
 */
export class Buffers {
  readonly turns = new Turns()
  readonly #classes = [
    { bytes: 64 * KiB, pool: poolOf(64, 64 * KiB) },
    { bytes: MiB, pool: poolOf(8, MiB) },
    { bytes: partBytes, pool: poolOf(4, partBytes) },
  ]
  readonly #largeFiles = new Pool(4, () => true)
  readonly #hugeFiles = new Pool(1, () => true)

  /** Runs a task with a buffer of exactly `size` bytes, at most `partBytes`. */
  useFor<R>(size: number, task: (buffer: Buffer) => Promise<R>): Promise<R> {
    const fitting = this.#classes.find(({ bytes }) => bytes >= size)
    if (fitting === undefined) throw new Error(`no buffer holds ${size} bytes`)
    return fitting.pool.use((buffer) => task(buffer.subarray(0, size)))
  }

  /** Runs a task that sends a file in parts of that size; few such run at once. */
  useForParts<R>(partSize: number, task: (parts: Pool<Buffer>) => Promise<R>): Promise<R> {
    const shared = this.#classes.at(-1)?.pool
    if (partSize === partBytes && shared !== undefined) return this.#largeFiles.use(() => task(shared))
    return this.#hugeFiles.use(() => task(poolOf(Math.floor(maxBufferBytes / partSize), partSize)))
  }
}

/** The size of the parts for a file of that size; undefined where it is too large for S3's 10,000 parts. */
export function partSizeFor(size: number): number | undefined {
  const least = Math.ceil(size / maxParts / MiB) * MiB
  const partSize = Math.max(partBytes, least)
  return partSize <= maxBufferBytes ? partSize : undefined
}

function poolOf(count: number, bytes: number): Pool<Buffer> {
  // Not from Node's shared slab: it must never be moved or freed piecemeal.
  return new Pool<Buffer>(count, () => Buffer.allocUnsafeSlow(bytes))
}
