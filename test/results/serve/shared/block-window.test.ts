import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { BlockPool, blockBytes } from '../../../../src/results/serve/shared/block-pool.ts'
import { BlockWindow } from '../../../../src/results/serve/shared/block-window.ts'

/** Counts the blocks that are in use. */
class CountingPool extends BlockPool {
  used = 0

  override take(length: number): Buffer {
    this.used += 1
    return super.take(length)
  }

  override give(buffer: Buffer): void {
    this.used -= 1
    super.give(buffer)
  }
}

function window(most: number) {
  const pool = new CountingPool()
  const blocks = new BlockWindow(0, most, pool)
  const digest = createHash('sha256')
  const append = (chunk: Buffer) => {
    blocks.makeRoom(chunk.length, () => digest.copy())
    digest.update(chunk)
    blocks.append(chunk)
  }
  return { blocks, pool, append }
}

/** A chunk that is half a block of this byte. */
const half = (byte: number) => Buffer.alloc(blockBytes / 2, byte)

it('keeps the newest blocks and no more', () => {
  const { blocks, pool, append } = window(2)
  for (let byte = 0; byte < 20; byte += 1) append(half(byte))
  expect(pool.used).toBe(2)
  expect(blocks.hasStart).toBe(false)
  expect(blocks.at(8 * blockBytes - 1)).toBeUndefined()
  expect(blocks.at(8 * blockBytes)?.bytes[0]).toBe(16)
  blocks.clear()
  expect(pool.used).toBe(0)
})

it('leaves the memory of a held block alone until its last reader releases it', () => {
  const { blocks, pool, append } = window(2)
  append(half(1))
  const held = blocks.hold(0, undefined)
  expect(blocks.hold(0, undefined)).toBe(held)
  if (held === undefined) throw new Error('the block is not there')
  for (let byte = 2; byte < 20; byte += 1) append(half(byte))
  expect(pool.used).toBe(3)
  expect(Buffer.concat([half(1), half(2)]).equals(held.bytes.subarray(0, held.filled))).toBe(true)
  blocks.release(held)
  expect(pool.used).toBe(3)
  blocks.release(held)
  expect(pool.used).toBe(2)
})

it('has the digest of all bytes up to the end of each complete block', () => {
  const { blocks, append } = window(4)
  for (let byte = 0; byte < 5; byte += 1) append(half(byte))
  const expected = createHash('sha256')
    .update(Buffer.concat([0, 1, 2, 3].map(half)))
    .digest('hex')
  expect(blocks.at(2 * blockBytes - 1)?.digest?.digest('hex')).toBe(expected)
  expect(blocks.at(2 * blockBytes)?.digest).toBeUndefined()
})
