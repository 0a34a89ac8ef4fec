import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { expectKind, keysOf, type Suite } from './suite.ts'

export function describeUploads(suite: Suite): void {
  describe('an upload in parts', () => {
    const partSize = 5 * 1024 * 1024

    it('becomes the object when it is completed, not before, whatever the order of its parts', async () => {
      const key = `${suite.folder()}upload`
      const bytes = randomBytes(2 * partSize + 1000)
      const upload = JSON.parse(JSON.stringify(await suite.store.createUpload(key, partSize)))
      const part = (number: number) =>
        suite.store.putPart(upload, number, bytes.subarray((number - 1) * partSize, number * partSize))
      await suite.store.putPart(upload, 2, randomBytes(partSize))
      const last = await part(3)
      const parts = [await part(1), await part(2), last]
      expect(parts.map(({ number, size }) => ({ number, size }))).toEqual([
        { number: 1, size: partSize },
        { number: 2, size: partSize },
        { number: 3, size: 1000 },
      ])
      expect(await suite.store.head(key)).toBeUndefined()
      expect(await keysOf(suite.store, key)).toEqual([])
      const { etag } = await suite.store.completeUpload(upload, parts)
      const body = await suite.store.get(key, { ifMatch: etag })
      expect(body.length).toBe(bytes.length)
      expect(bytes.equals(await buffer(body.stream))).toBe(true)

      // The answer got lost and the caller tries again.
      expect(await suite.store.completeUpload(upload, parts)).toEqual({ etag })
      await suite.store.abortUpload(upload)
      expect(await suite.store.head(key)).toMatchObject({ etag })
    })

    it('that is to be new leaves the object alone that is there, and can be aborted then', async () => {
      const key = `${suite.folder()}upload-new`
      const upload = await suite.store.createUpload(key, partSize)
      const part = await suite.store.putPart(upload, 1, Buffer.from('late'))
      const { etag } = await suite.store.put(key, Buffer.from('first'))
      const late = suite.store.completeUpload(upload, [part], undefined, { ifAbsent: true })
      await expectKind(late, 'precondition-failed')
      expect(await suite.store.head(key)).toMatchObject({ etag })
      await suite.store.abortUpload(upload)

      await suite.store.remove([key])
      const next = await suite.store.createUpload(key, partSize)
      const parts = [await suite.store.putPart(next, 1, Buffer.from('new'))]
      await suite.store.completeUpload(next, parts, undefined, { ifAbsent: true })
      expect(String(await buffer((await suite.store.get(key)).stream))).toBe('new')
    })

    it('may consist of one short part', async () => {
      const key = `${suite.folder()}short`
      const upload = await suite.store.createUpload(key, partSize)
      await suite.store.completeUpload(upload, [await suite.store.putPart(upload, 1, Buffer.from('short'))])
      expect(String(await buffer((await suite.store.get(key)).stream))).toBe('short')
    })

    it('is gone when it was aborted, and aborting it again is no error', async () => {
      const key = `${suite.folder()}aborted`
      const upload = await suite.store.createUpload(key, partSize)
      const part = await suite.store.putPart(upload, 1, Buffer.from('x'))
      expect(await suite.store.abortUpload({ key, id: upload.id })).toBe(true)
      expect(await suite.store.abortUpload(upload)).toBe(false)
      await expectKind(suite.store.putPart(upload, 1, Buffer.from('x')), 'not-found')
      await expectKind(suite.store.completeUpload(upload, [part]), 'not-found')
      expect(await suite.store.head(key)).toBeUndefined()
    })

    it('that is unknown is not found, though another object stands at its key', async () => {
      const key = `${suite.folder()}unknown`
      const upload = await suite.store.createUpload(key, partSize)
      const part = await suite.store.putPart(upload, 1, Buffer.from('y'))
      await suite.store.abortUpload(upload)
      await suite.store.put(key, Buffer.from('x'))
      await expectKind(suite.store.completeUpload(upload, [part]), 'not-found')
    })

    it("can't be completed without parts or with wrong ones", async () => {
      const key = `${suite.folder()}wrong`
      const upload = await suite.store.createUpload(key, partSize)
      const first = await suite.store.putPart(upload, 1, Buffer.alloc(partSize))
      await expectKind(suite.store.completeUpload(upload, []), 'invalid')
      // S3 calls a part that was never sent an InvalidPart, whatever the reason.
      const wrong = suite.store.completeUpload(upload, [first, { ...first, number: 2 }])
      await expect(wrong).rejects.toMatchObject({ kind: expect.stringMatching(/^(invalid|not-found)$/) })
      expect(await suite.store.head(key)).toBeUndefined()
      await suite.store.abortUpload(upload)
    })
  })
}
