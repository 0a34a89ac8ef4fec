import { describe, expect, it } from 'vitest'
import { HalvableBuffers } from '../../../sidecar/upload/halvable-buffers.ts'

describe('buffers', () => {
  it('are lent whole, or as halves of which each has bytes of its own', async () => {
    const buffers = new HalvableBuffers(2, 8)
    const whole = await buffers.wholes.take()
    const [a, b] = [await buffers.halves.take(), await buffers.halves.take()]
    for (const [index, buffer] of [whole, a, b].entries()) buffer.fill(index)
    expect([whole, a, b].map((buffer) => [...buffer])).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 1, 1],
      [2, 2, 2, 2],
    ])
  })

  it('are served in order: a whole buffer first, even if a half of it is free', async () => {
    const buffers = new HalvableBuffers(1, 8)
    const [a, b] = [await buffers.halves.take(), await buffers.halves.take()]
    const order: string[] = []
    const whole = buffers.wholes.take().then((buffer) => {
      order.push('whole')
      return buffer
    })
    const half = buffers.halves.take().then(() => order.push('half'))
    buffers.halves.release(a)
    buffers.halves.release(b)
    buffers.wholes.release(await whole)
    await half
    expect(order).toEqual(['whole', 'half'])
  })

  it('lend the other half of a lent block before they make another block', async () => {
    const buffers = new HalvableBuffers(2, 8)
    const [a, b] = [await buffers.halves.take(), await buffers.halves.take()]
    expect(b.buffer).toBe(a.buffer)
    buffers.halves.release(a)
    await buffers.wholes.take()
    expect((await buffers.halves.take()).buffer).toBe(a.buffer)
  })

  it('refuse a buffer that is released twice', async () => {
    const buffers = new HalvableBuffers(1, 8)
    const buffer = await buffers.wholes.take()
    buffers.wholes.release(buffer)
    expect(() => buffers.wholes.release(buffer)).toThrow('twice')
  })
})
