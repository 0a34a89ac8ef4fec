import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { expectKind, type Suite } from './suite.ts'

export function describeObjects(suite: Suite): void {
  describe('an object', () => {
    it('has the bytes and the size that were put', async () => {
      const key = `${suite.folder()}object`
      const bytes = randomBytes(3_000_000)
      const { etag } = await suite.store.put(key, bytes)
      const body = await suite.store.get(key)
      expect(body).toMatchObject({ etag, size: bytes.length, length: bytes.length })
      expect(Math.abs(body.modified.getTime() - Date.now())).toBeLessThan(60_000)
      expect(bytes.equals(await buffer(body.stream))).toBe(true)
      expect(await suite.store.head(key)).toEqual({ etag, size: bytes.length, modified: body.modified })
    })

    it('may be empty', async () => {
      const key = `${suite.folder()}empty`
      const { etag } = await suite.store.put(key, Buffer.alloc(0))
      for (const range of [{}, { offset: 0 }, { length: 0 }, { offset: -5 }, { offset: 0, length: 0 }]) {
        const body = await suite.store.get(key, { ...range, ifMatch: etag })
        expect(body).toMatchObject({ etag, size: 0, length: 0 })
        expect(await buffer(body.stream)).toHaveLength(0)
      }
      expect(await suite.store.head(key)).toMatchObject({ size: 0 })
      await expectKind(suite.store.get(key, { offset: 0, length: 1 }), 'invalid')
    })

    it('gets a new ETag with every replacement, even of the same size in quick succession', async () => {
      const key = `${suite.folder()}replaced`
      const etags = new Set<string>()
      for (let number = 0; number < 20; number++)
        etags.add((await suite.store.put(key, Buffer.from([number]))).etag)
      expect(etags.size).toBe(20)
      expect([...(await buffer((await suite.store.get(key)).stream))]).toEqual([19])
    })

    it('is one complete version after concurrent writes', async () => {
      const key = `${suite.folder()}contended`
      const versions = Array.from({ length: 6 }, (_, index) => Buffer.alloc(200_000, index))
      await Promise.all(versions.map((version) => suite.store.put(key, version)))
      const found = await buffer((await suite.store.get(key)).stream)
      expect(versions.some((version) => version.equals(found))).toBe(true)
    })

    it('put with ifAbsent leaves an existing object unchanged', async () => {
      const key = `${suite.folder()}new`
      const first = await suite.store.put(key, Buffer.from('first'), undefined, { ifAbsent: true })
      const again = suite.store.put(key, Buffer.from('other'), undefined, { ifAbsent: true })
      await expectKind(again, 'precondition-failed')
      const { etag, stream } = await suite.store.get(key)
      expect([etag, String(await buffer(stream))]).toEqual([first.etag, 'first'])
      await suite.store.put(key, Buffer.from('other'), undefined, { ifAbsent: false })
      expect(String(await buffer((await suite.store.get(key)).stream))).toBe('other')
    })

    it('put with ifMatch leaves another version unchanged', async () => {
      const key = `${suite.folder()}versions`
      const first = await suite.store.put(key, Buffer.from('first'))
      const second = await suite.store.put(key, Buffer.from('second'), undefined, { ifMatch: first.etag })
      const late = suite.store.put(key, Buffer.from('third'), undefined, { ifMatch: first.etag })
      await expectKind(late, 'precondition-failed')
      expect((await suite.store.head(key))?.etag).toBe(second.etag)
      await suite.store.remove([key])
      const gone = suite.store.put(key, Buffer.from('third'), undefined, { ifMatch: second.etag })
      await expectKind(gone, 'not-found')
      expect(await suite.store.head(key)).toBeUndefined()
    })

    it('put with ifAbsent has exactly one winner among concurrent writers', async () => {
      const key = `${suite.folder()}once`
      const versions = Array.from({ length: 8 }, (_, index) => Buffer.alloc(200_000, index))
      const ends = await Promise.allSettled(
        versions.map((version) => suite.store.put(key, version, undefined, { ifAbsent: true })),
      )
      const winner = ends.findIndex(({ status }) => status === 'fulfilled')
      for (const end of ends) {
        if (end.status === 'rejected') expect(end.reason).toMatchObject({ kind: 'precondition-failed' })
      }
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(versions[winner]?.equals(await buffer((await suite.store.get(key)).stream))).toBe(true)
    })

    it('with a missing key is not-found', async () => {
      const missing = `${suite.folder()}missing`
      expect(await suite.store.head(missing)).toBeUndefined()
      await expectKind(suite.store.get(missing), 'not-found')
      await expectKind(suite.store.get(missing, { length: 0 }), 'not-found')
      await expectKind(suite.store.get(missing, { ifMatch: 'x', offset: -1 }), 'not-found')
    })

    it('is absent if only keys below it exist', async () => {
      const key = `${suite.folder()}parent`
      await suite.store.put(`${key}/child`, Buffer.from('x'))
      expect(await suite.store.head(key)).toBeUndefined()
      await expectKind(suite.store.get(key), 'not-found')
      await suite.store.remove([key])
      expect(await suite.store.head(`${key}/child`)).toBeDefined()
    })

    it('can be read with its ETag as ifMatch', async () => {
      const key = `${suite.folder()}conditional`
      const { etag } = await suite.store.put(key, Buffer.from('first'))
      expect(String(await buffer((await suite.store.get(key, { ifMatch: etag })).stream))).toBe('first')
      await suite.store.put(key, Buffer.from('other'))
      for (const range of [{}, { offset: 1, length: 2 }, { offset: -2 }, { length: 0 }]) {
        await expectKind(suite.store.get(key, { ...range, ifMatch: etag }), 'precondition-failed')
      }
    })

    it('is read in its old version, or the read fails, if it is replaced meanwhile', async () => {
      const key = `${suite.folder()}moving`
      const first = Buffer.alloc(8_000_000, 'a')
      await suite.store.put(key, first)
      const { stream } = await suite.store.get(key)
      await suite.store.put(key, Buffer.alloc(8_000_000, 'b'))
      const read = await buffer(stream).catch(() => undefined)
      expect(read === undefined || read.equals(first)).toBe(true)
    })

    it('may be read only in part', async () => {
      const key = `${suite.folder()}abandoned`
      await suite.store.put(key, randomBytes(4_000_000))
      for (let time = 0; time < 5; time++) {
        const { stream } = await suite.store.get(key)
        for await (const _ of stream) break
        expect(stream.destroyed).toBe(true)
      }
      expect((await buffer((await suite.store.get(key)).stream)).length).toBe(4_000_000)
    })
  })
}
