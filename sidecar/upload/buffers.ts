import { Semaphore } from '../../src/util/semaphore.ts'
import { AdaptiveConcurrency } from './adaptive-concurrency.ts'
import { type BufferLender, BufferPool, withBuffer } from './buffer-pool.ts'
import { HalvableBuffers } from './halvable-buffers.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** Files up to this size are sent whole. */
export const wholeBytes = 8 * MiB
/** Upper bound for the buffers of one file with larger parts. */
const maxBufferBytes = 64 * MiB
/** S3's upper bound for the parts of one upload. */
const maxParts = 10_000

/**
 * The memory that file contents pass through, reused all the time: 44 MiB whatever is uploaded, and
 * 64 MiB more while a file of more than 156 GiB is. It also bounds how many files are read and sent
 * at once; `concurrency` bounds how many small files the store gets at once.
 */
export class Buffers {
  readonly concurrency = new AdaptiveConcurrency()
  readonly #large = new HalvableBuffers(2, 2 * wholeBytes)
  readonly #classes: { bytes: number; lender: BufferLender }[] = [
    { bytes: 64 * KiB, lender: new BufferPool(64, 64 * KiB) },
    { bytes: MiB, lender: new BufferPool(8, MiB) },
    { bytes: wholeBytes, lender: this.#large.halves },
  ]
  readonly #largeFiles = new Semaphore(4)
  readonly #hugeFiles = new Semaphore(1)

  /**
   * Runs a task with a buffer of exactly `size` bytes, at most `wholeBytes`; `isAhead`: before
   * those who wait for one.
   */
  useFor<R>(size: number, task: (buffer: Buffer) => Promise<R>, isAhead = false): Promise<R> {
    const fitting = this.#classes.find(({ bytes }) => bytes >= size)
    if (fitting === undefined) throw new Error(`no buffer holds ${size} bytes`)
    return withBuffer(fitting.lender, (buffer) => task(buffer.subarray(0, size)), isAhead)
  }

  /** Runs a task that reads a file without these buffers, one at a time. */
  async useForStreams<R>(task: () => Promise<R>): Promise<R> {
    const release = await this.#hugeFiles.acquire()
    try {
      return await task()
    } finally {
      release()
    }
  }

  /** Runs a task that sends a file in parts of that size; few of these tasks run at once. */
  async useForParts<R>(partSize: number, task: (parts: BufferLender) => Promise<R>): Promise<R> {
    const isHuge = partSize > 2 * wholeBytes
    const release = await (isHuge ? this.#hugeFiles : this.#largeFiles).acquire()
    try {
      if (isHuge) return await task(new BufferPool(Math.floor(maxBufferBytes / partSize), partSize))
      return await task(partSize <= wholeBytes ? this.#large.halves : this.#large.wholes)
    } finally {
      release()
    }
  }
}

/** A store that has answered within this time is close by, though its disk may be slow. */
const nearMs = 15
/** Parts of smaller files are sent at once rather than made larger. */
export const largePartsFrom = 64 * MiB

/** S3's upper bound for an object, and so for a file. */
export const largestFileBytes = 5 * 1024 * 1024 * MiB

/** Larger parts don't fit into the buffers and are read from the file as they are sent. */
export function isStreamed(partSize: number): boolean {
  return partSize > maxBufferBytes
}

/**
 * The size of the parts for a file of that size, up to 525 MiB for one of 5 TiB: S3 takes 10,000. Close by, each part costs both sides: two larger ones at once cost a tenth less. On a
 * longer way more parts at once are faster. `leastMs`: the store's fastest answer so far.
 */
export function partSizeFor(size: number, leastMs: number): number {
  const least = Math.ceil(size / maxParts / MiB) * MiB
  const wanted = leastMs < nearMs && size >= largePartsFrom ? 2 * wholeBytes : wholeBytes
  return Math.max(wanted, least)
}
