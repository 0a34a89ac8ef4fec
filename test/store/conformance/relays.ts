import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { relay } from '../../../src/store/relay.ts'
import type { ArtifactStore, BodyHead, GetOptions } from '../../../src/store/store.ts'
import { expectKind, type Suite } from './suite.ts'

export function describeRelays(suite: Suite): void {
  describe('a relayed object', () => {
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
    ])('delivers all bytes of %j, chunk by chunk', async (range, expected) => {
      const { head, bytes: copy } = await relayed(suite.store, key, { ...range, ifMatch: etag })
      expect(head).toMatchObject({ etag, size, length: expected.length })
      expect(Math.abs((head?.modified.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
      expect(expected.equals(copy)).toBe(true)
    })

    it('is refused like a get(), before sinkFor is called', async () => {
      const whole = { offset: 0, length: size }
      const refused = (name: string, options: GetOptions) => {
        return relay(suite.store, name, () => expect.fail('a sink was asked for'), options)
      }
      await expectKind(refused(key, { ...whole, ifMatch: 'another' }), 'precondition-failed')
      await expectKind(refused(`${key}-missing`, whole), 'not-found')
      await expectKind(refused(key, { offset: size, length: size }), 'invalid')
      const reason = new Error('enough')
      await expect(refused(key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    it("rejects with the signal's reason if it is aborted in the middle", async () => {
      const controller = new AbortController()
      const { signal } = controller
      const reason = new Error('enough')
      const sinkFor = () => async () => controller.abort(reason)
      await expect(relay(suite.store, key, sinkFor, { offset: 0, length: size, signal })).rejects.toBe(reason)
    })

    it.each([
      ['sinkFor throws', false],
      ['the sink fails', true],
    ])('rejects with the same error if %s, and can be read again', async (_, hasSink) => {
      const failure = new Error('the sink failed')
      for (let time = 0; time < 5; time++) {
        const sinkFor = () => {
          if (hasSink) return () => Promise.reject(failure)
          throw failure
        }
        const whole = { offset: 0, length: size }
        await expect(relay(suite.store, key, sinkFor, whole)).rejects.toBe(failure)
      }
      expect(bytes.equals((await relayed(suite.store, key)).bytes)).toBe(true)
    })
  })
}

async function relayed(store: ArtifactStore, key: string, options?: GetOptions) {
  const copies: Buffer[] = []
  let head: BodyHead | undefined
  const sinkFor = (given: BodyHead) => {
    head = given
    return async (chunk: Buffer) => void copies.push(Buffer.from(chunk))
  }
  await relay(store, key, sinkFor, options)
  return { head, bytes: Buffer.concat(copies) }
}
