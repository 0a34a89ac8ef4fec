import { describe, expect, it } from 'vitest'
import { Slabs } from '../../../sidecar/upload/slabs.ts'

describe('slabs', () => {
  it('are lent whole, or as halves of which each has bytes of its own', async () => {
    const slabs = new Slabs(2, 8)
    const whole = await slabs.wholes.take()
    const [a, b] = [await slabs.halves.take(), await slabs.halves.take()]
    for (const [index, buffer] of [whole, a, b].entries()) buffer.fill(index)
    expect([whole, a, b].map((buffer) => [...buffer])).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 1, 1],
      [2, 2, 2, 2],
    ])
  })

  it('keep a whole one for whoever asked first, though a half of it is free', async () => {
    const slabs = new Slabs(1, 8)
    const [a, b] = [await slabs.halves.take(), await slabs.halves.take()]
    const order: string[] = []
    const whole = slabs.wholes.take().then((buffer) => {
      order.push('whole')
      return buffer
    })
    const half = slabs.halves.take().then(() => order.push('half'))
    slabs.halves.release(a)
    slabs.halves.release(b)
    slabs.wholes.release(await whole)
    await half
    expect(order).toEqual(['whole', 'half'])
  })

  it('take a half of what is lent already before they make another', async () => {
    const slabs = new Slabs(2, 8)
    const [a, b] = [await slabs.halves.take(), await slabs.halves.take()]
    expect(b.buffer).toBe(a.buffer)
    slabs.halves.release(a)
    await slabs.wholes.take()
    expect((await slabs.halves.take()).buffer).toBe(a.buffer)
  })

  it('refuse a buffer that is given back twice', async () => {
    const slabs = new Slabs(1, 8)
    const buffer = await slabs.wholes.take()
    slabs.wholes.release(buffer)
    expect(() => slabs.wholes.release(buffer)).toThrow('twice')
  })
})
