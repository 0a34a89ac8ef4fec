import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { exactLength } from '../../src/store/exact-length.ts'

const wrap = (source: Readable, length: number) =>
  exactLength(source, length, 'object', (error) => new Error('wrapped', { cause: error }))

describe('exactLength', () => {
  it('passes exactly `length` bytes', async () => {
    const chunks = Array.from({ length: 100 }, (_, index) => Buffer.alloc(10_000, index))
    expect((await buffer(wrap(Readable.from(chunks), 1_000_000))).equals(Buffer.concat(chunks))).toBe(true)
    expect(await buffer(wrap(Readable.from([]), 0))).toHaveLength(0)
  })

  it('fails if the source ends early or exceeds the length', async () => {
    await expect(buffer(wrap(Readable.from([Buffer.alloc(9)]), 10))).rejects.toMatchObject({
      kind: 'unavailable',
    })
    await expect(buffer(wrap(Readable.from([Buffer.alloc(11)]), 10))).rejects.toMatchObject({
      kind: 'corrupt',
    })
  })

  it('fails if the source fails or is destroyed without an error', async () => {
    const broken = new Error('broken')
    const failing = new Readable({ read() {} })
    failing.push(Buffer.alloc(5))
    setTimeout(() => failing.destroy(broken), 10)
    await expect(buffer(wrap(failing, 10))).rejects.toMatchObject({ message: 'wrapped', cause: broken })
    const silent = new Readable({ read() {} })
    setTimeout(() => silent.destroy(), 10)
    await expect(buffer(wrap(silent, 10))).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('reads the source only on demand, and destroys it with itself', async () => {
    let read = 0
    const source = new Readable({
      read() {
        read += 65_536
        this.push(Buffer.alloc(65_536))
      },
    })
    const stream = wrap(source, 1e12)
    for await (const _ of stream) break
    expect(source.destroyed).toBe(true)
    expect(read).toBeLessThan(1_000_000)
  })
})
