import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { collect, partOf, type Suite } from './suite.ts'

export function describeSignals(suite: Suite): void {
  describe('a signal', () => {
    it('that is aborted rejects every method with its reason', async () => {
      const key = `${suite.folder()}signal`
      await suite.store.put(key, Buffer.from('x'))
      const upload = await suite.store.createUpload(key, 5 << 20)
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(suite.store.prepare(signal)).rejects.toBe(reason)
      await expect(suite.store.put(key, Buffer.from('y'), signal)).rejects.toBe(reason)
      await expect(suite.store.get(key, { signal })).rejects.toBe(reason)
      await expect(suite.store.head(key, signal)).rejects.toBe(reason)
      await expect(collect(suite.store.list(key, { signal }))).rejects.toBe(reason)
      await expect(suite.store.remove([key], signal)).rejects.toBe(reason)
      await expect(suite.store.createUpload(key, 5 << 20, signal)).rejects.toBe(reason)
      await expect(suite.store.putPart(upload, 1, Buffer.from('x'), signal)).rejects.toBe(reason)
      await expect(suite.store.completeUpload(upload, [partOf('x')], signal)).rejects.toBe(reason)
      await expect(suite.store.abortUpload(upload, signal)).rejects.toBe(reason)
      await suite.store.abortUpload(upload)
      expect(String(await buffer((await suite.store.get(key)).stream))).toBe('x')
    })

    it('that is aborted during a read ends the stream with its reason', async () => {
      const key = `${suite.folder()}stream`
      await suite.store.put(key, randomBytes(16_000_000))
      const controller = new AbortController()
      const { stream } = await suite.store.get(key, { signal: controller.signal })
      const reason = new Error('enough')
      const read = async () => {
        for await (const _ of stream) controller.abort(reason)
      }
      await expect(read()).rejects.toBe(reason)
    })
  })
}
