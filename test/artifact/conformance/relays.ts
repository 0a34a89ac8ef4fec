import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { relayed } from '../../../src/artifact/relay.ts'
import type { RelayedBody } from '../../../src/artifact/store.ts'
import { expectKind, type Suite } from './suite.ts'

export function describeRelays(suite: Suite): void {
  describe('an object that is passed on', () => {
    const bytes = randomBytes(9_000_001)
    const size = bytes.length
    let key = ''
    let etag = ''

    beforeAll(async () => {
      key = `${suite.folder()}relayed`
      etag = (await suite.store.put(key, bytes)).etag
    })

    it.each([
      [{ offset: 0, length: size }, bytes],
      [{ offset: 0, length: 5_000_000 }, bytes.subarray(0, 5_000_000)],
      [{ offset: 3, length: size - 3 }, bytes.subarray(3)],
      [{ offset: 8_000_000, length: 10 }, bytes.subarray(8_000_000, 8_000_010)],
      [{ offset: 4_000_000, length: 2 ** 40 }, bytes.subarray(4_000_000)],
      [{ offset: -5_000_000 }, bytes.subarray(-5_000_000)],
      [{ length: 0 }, Buffer.alloc(0)],
      [{}, bytes],
    ])('has the bytes of %j, whole, chunk by chunk', async (range, expected) => {
      const body = await relayed(suite.store, key, { ...range, ifMatch: etag })
      expect(body).toMatchObject({ etag, size, length: expected.length })
      expect(Math.abs(body.modified.getTime() - Date.now())).toBeLessThan(60_000)
      expect(expected.equals(await copied(body))).toBe(true)
    })

    it('is refused as any read is', async () => {
      const whole = { offset: 0, length: size }
      await expectKind(relayed(suite.store, key, { ...whole, ifMatch: 'another' }), 'precondition-failed')
      await expectKind(relayed(suite.store, `${key}-missing`, whole), 'not-found')
      await expectKind(relayed(suite.store, key, { offset: size, length: size }), 'invalid')
      const reason = new Error('enough')
      await expect(relayed(suite.store, key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    it('ends with the reason of a signal that is aborted while it is read', async () => {
      const controller = new AbortController()
      const { chunks } = await relayed(suite.store, key, {
        offset: 0,
        length: size,
        signal: controller.signal,
      })
      const reason = new Error('enough')
      const read = async () => {
        for await (const _ of chunks) controller.abort(reason)
      }
      await expect(read()).rejects.toBe(reason)
    })

    it('can be left unread or half read', async () => {
      for (let time = 0; time < 5; time++) {
        const whole = { offset: 0, length: size }
        const unread = await relayed(suite.store, key, whole)
        unread.close()
        for await (const _ of (await relayed(suite.store, key, whole)).chunks) break
      }
      expect(bytes.equals(await copied(await relayed(suite.store, key)))).toBe(true)
    })
  })
}

async function copied({ chunks }: RelayedBody): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const chunk of chunks) copies.push(Buffer.from(chunk))
  return Buffer.concat(copies)
}
