import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { crc32Base64 } from '../../../src/store/crc32.ts'
import { expectKind, keysOf, type Suite } from './suite.ts'

export function describeUploads(suite: Suite): void {
  describe('an upload in parts', () => {
    const partSize = 5 * 1024 * 1024

    it('becomes the object only when completed, with its parts sent in any order', async () => {
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

      // A caller whose answer got lost completes the upload again.
      expect(await suite.store.completeUpload(upload, parts)).toEqual({ etag })
      await suite.store.abortUpload(upload)
      expect(await suite.store.head(key)).toMatchObject({ etag })
    })

    it('completed with ifAbsent leaves an existing object unchanged, and can then be aborted', async () => {
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

    it('takes a part that is read as it is sent, and refuses one whose CRC32 is of other bytes', async () => {
      const key = `${suite.folder()}streamed`
      const bytes = randomBytes(partSize + 1000)
      const upload = await suite.store.createUpload(key, partSize)
      const streamed = (body: Buffer, crc32 = crc32Base64(body)) => ({
        byteLength: body.length,
        crc32,
        async *pieces() {
          for (let start = 0; start < body.length; start += 300_000)
            yield body.subarray(start, start + 300_000)
        },
      })
      const [whole, rest] = [bytes.subarray(0, partSize), bytes.subarray(partSize)]
      await expectKind(suite.store.putPart(upload, 1, streamed(whole, crc32Base64(rest))), 'corrupt')
      const parts = [
        await suite.store.putPart(upload, 1, streamed(whole)),
        await suite.store.putPart(upload, 2, rest),
      ]
      expect(parts[0]).toMatchObject({ number: 1, size: partSize, crc32: crc32Base64(whole) })
      const { etag } = await suite.store.completeUpload(upload, parts)
      const body = await suite.store.get(key, { ifMatch: etag })
      expect(bytes.equals(await buffer(body.stream))).toBe(true)
    })

    it('is gone once aborted, and aborting it again resolves with false', async () => {
      const key = `${suite.folder()}aborted`
      const upload = await suite.store.createUpload(key, partSize)
      const part = await suite.store.putPart(upload, 1, Buffer.from('x'))
      expect(await suite.store.abortUpload({ key, id: upload.id })).toBe(true)
      expect(await suite.store.abortUpload(upload)).toBe(false)
      await expectKind(suite.store.putPart(upload, 1, Buffer.from('x')), 'not-found')
      await expectKind(suite.store.completeUpload(upload, [part]), 'not-found')
      expect(await suite.store.head(key)).toBeUndefined()
    })

    it('with an unknown id is not-found, even if its key has an object', async () => {
      const key = `${suite.folder()}unknown`
      const upload = await suite.store.createUpload(key, partSize)
      const part = await suite.store.putPart(upload, 1, Buffer.from('y'))
      await suite.store.abortUpload(upload)
      await suite.store.put(key, Buffer.from('x'))
      await expectKind(suite.store.completeUpload(upload, [part]), 'not-found')
    })

    it('cannot be completed without parts or with a part that was never sent', async () => {
      const key = `${suite.folder()}wrong`
      const upload = await suite.store.createUpload(key, partSize)
      const first = await suite.store.putPart(upload, 1, Buffer.alloc(partSize))
      await expectKind(suite.store.completeUpload(upload, []), 'invalid')
      // S3 answers InvalidPart for a missing part without saying whether the upload is unknown.
      const wrong = suite.store.completeUpload(upload, [first, { ...first, number: 2 }])
      await expect(wrong).rejects.toMatchObject({ kind: expect.stringMatching(/^(invalid|not-found)$/) })
      expect(await suite.store.head(key)).toBeUndefined()
      await suite.store.abortUpload(upload)
    })
  })
}
