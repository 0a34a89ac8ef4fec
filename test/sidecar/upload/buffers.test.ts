import { describe, expect, it } from 'vitest'
import { BufferPool } from '../../../sidecar/upload/buffer-pool.ts'
import { Buffers, largestFileBytes, partSizeFor, wholeBytes } from '../../../sidecar/upload/buffers.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

describe('the size of parts', () => {
  it.each([
    ['just more than one part', 8 * MiB + 1, 8 * MiB],
    ['10,000 parts', 80_000 * MiB, 8 * MiB],
    ['a byte more', 80_000 * MiB + 1, 9 * MiB],
    ['half a tebibyte', 512 * GiB, 53 * MiB],
    ['10,000 of the largest parts that fit into memory', 640_000 * MiB, 64 * MiB],
    ['a byte more than that', 640_000 * MiB + 1, 65 * MiB],
    ["S3's largest object", largestFileBytes, 525 * MiB],
  ])('fits %s', (_, size, expected) => {
    expect(partSizeFor(size, 30)).toBe(expected)
  })

  it.each([
    ['a large file is sent in larger ones to a store close by', 64 * MiB, 2, 16 * MiB],
    ['a smaller file is not', 64 * MiB - 1, 2, 8 * MiB],
    ['nothing is to a store far away', GiB, 20, 8 * MiB],
    ['a huge file needs larger ones yet', 512 * GiB, 2, 53 * MiB],
  ])('depends on the store: %s', (_, size, leastMs, expected) => {
    expect(partSizeFor(size, leastMs)).toBe(expected)
  })
})

describe('buffers', () => {
  it('are lent in exactly the size that is asked for', async () => {
    const buffers = new Buffers()
    for (const size of [0, 1, 65536, 65537, MiB, MiB + 1, wholeBytes]) {
      expect(await buffers.useFor(size, async ({ length }) => length)).toBe(size)
    }
  })

  it('are reused, first come first served', async () => {
    const pool = new BufferPool(2, 8)
    const [a, b] = [await pool.take(), await pool.take()]
    const later = [pool.take(), pool.take()]
    pool.release(a)
    pool.release(b)
    expect(await Promise.all(later)).toEqual([a, b])
    expect(a).not.toBe(b)
  })
})
