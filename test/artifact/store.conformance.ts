import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArtifactStore, StoreErrorKind } from '../../src/artifact/store.ts'
import { strangeKeys } from './strange-keys.ts'

export interface StoreUnderTest {
  store: ArtifactStore
  dispose(): Promise<void>
}

/** What every ArtifactStore promises; the store that `makeStore` gives is empty and the suite's own. */
export function describeStore(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let made: StoreUnderTest
    let store: ArtifactStore
    let counter = 0
    /** Every test has a folder of its own. */
    const folder = () => `test-${counter++}/`

    beforeAll(async () => {
      made = await makeStore()
      store = made.store
    })
    afterAll(() => made.dispose())

    it('proves again that it can be used', async () => {
      await store.prepare()
      await store.prepare()
      expect(await keysOf(store, '')).toEqual([])
    })

    describe('an object', () => {
      it('has the bytes and the size that were put', async () => {
        const key = `${folder()}object`
        const bytes = randomBytes(3_000_000)
        const { etag } = await store.put(key, bytes)
        const body = await store.get(key)
        expect(body).toMatchObject({ etag, size: bytes.length, length: bytes.length })
        expect(Math.abs(body.modified.getTime() - Date.now())).toBeLessThan(60_000)
        expect(bytes.equals(await buffer(body.stream))).toBe(true)
        expect(await store.head(key)).toEqual({ etag, size: bytes.length, modified: body.modified })
      })

      it('may be empty', async () => {
        const key = `${folder()}empty`
        const { etag } = await store.put(key, Buffer.alloc(0))
        for (const range of [{}, { offset: 0 }, { length: 0 }, { offset: -5 }, { offset: 0, length: 0 }]) {
          const body = await store.get(key, { ...range, ifMatch: etag })
          expect(body).toMatchObject({ etag, size: 0, length: 0 })
          expect(await buffer(body.stream)).toHaveLength(0)
        }
        expect(await store.head(key)).toMatchObject({ size: 0 })
        await expectKind(store.get(key, { offset: 0, length: 1 }), 'invalid')
      })

      it('has another ETag when it is replaced, even by as many bytes at once', async () => {
        const key = `${folder()}replaced`
        const etags = new Set<string>()
        for (let number = 0; number < 20; number++)
          etags.add((await store.put(key, Buffer.from([number]))).etag)
        expect(etags.size).toBe(20)
        expect([...(await buffer((await store.get(key)).stream))]).toEqual([19])
      })

      it('is one whole version or the other when two writers meet', async () => {
        const key = `${folder()}contended`
        const versions = Array.from({ length: 6 }, (_, index) => Buffer.alloc(200_000, index))
        await Promise.all(versions.map((version) => store.put(key, version)))
        const found = await buffer((await store.get(key)).stream)
        expect(versions.some((version) => version.equals(found))).toBe(true)
      })

      it('that does not exist is not found', async () => {
        const missing = `${folder()}missing`
        expect(await store.head(missing)).toBeUndefined()
        await expectKind(store.get(missing), 'not-found')
        await expectKind(store.get(missing, { length: 0 }), 'not-found')
        await expectKind(store.get(missing, { ifMatch: 'x', offset: -1 }), 'not-found')
      })

      it('is no object where only keys below it exist', async () => {
        const key = `${folder()}parent`
        await store.put(`${key}/child`, Buffer.from('x'))
        expect(await store.head(key)).toBeUndefined()
        await expectKind(store.get(key), 'not-found')
        await store.remove([key])
        expect(await store.head(`${key}/child`)).toBeDefined()
      })

      it('can be read on condition of its ETag', async () => {
        const key = `${folder()}conditional`
        const { etag } = await store.put(key, Buffer.from('first'))
        expect(String(await buffer((await store.get(key, { ifMatch: etag })).stream))).toBe('first')
        await store.put(key, Buffer.from('other'))
        for (const range of [{}, { offset: 1, length: 2 }, { offset: -2 }, { length: 0 }]) {
          await expectKind(store.get(key, { ...range, ifMatch: etag }), 'precondition-failed')
        }
      })

      it('goes on being read as it was, or fails, when it is replaced meanwhile', async () => {
        const key = `${folder()}moving`
        const first = Buffer.alloc(8_000_000, 'a')
        await store.put(key, first)
        const { stream } = await store.get(key)
        await store.put(key, Buffer.alloc(8_000_000, 'b'))
        const read = await buffer(stream).catch(() => undefined)
        expect(read === undefined || read.equals(first)).toBe(true)
      })

      it('can be left half read', async () => {
        const key = `${folder()}abandoned`
        await store.put(key, randomBytes(4_000_000))
        for (let time = 0; time < 5; time++) {
          const { stream } = await store.get(key)
          for await (const _ of stream) break
          expect(stream.destroyed).toBe(true)
        }
        expect((await buffer((await store.get(key)).stream)).length).toBe(4_000_000)
      })
    })

    describe('a range', () => {
      const bytes = Buffer.from('0123456789')
      it.each([
        [{ offset: 0, length: 4 }, '0123'],
        [{ offset: 3 }, '3456789'],
        [{ offset: 3, length: 1 }, '3'],
        [{ length: 2 }, '01'],
        [{ offset: 9, length: 1 }, '9'],
        [{ offset: 8, length: 100 }, '89'],
        [{ offset: -3 }, '789'],
        [{ offset: -10 }, '0123456789'],
        [{ offset: -100 }, '0123456789'],
        [{ offset: 4, length: 0 }, ''],
        [{ offset: 10, length: 0 }, ''],
      ])('%j gives %j', async (range, expected) => {
        const key = `${folder()}range`
        await store.put(key, bytes)
        const body = await store.get(key, range)
        expect(body).toMatchObject({ size: 10, length: expected.length })
        expect(String(await buffer(body.stream))).toBe(expected)
      })

      it.each([{ offset: 10 }, { offset: 11 }, { offset: 10, length: 1 }, { offset: 11, length: 0 }])(
        '%j that begins behind the end is invalid',
        async (range) => {
          const key = `${folder()}range`
          await store.put(key, bytes)
          await expectKind(store.get(key, range), 'invalid')
        },
      )
    })

    describe('keys', () => {
      it('may hold anything that a file name of UTF-8 may, and no two collide', async () => {
        const at = folder()
        const keys = strangeKeys.map((name, index) => `${at}${index % 7}/${name}`)
        for (const key of keys) await store.put(key, Buffer.from(key))
        for (const key of keys) {
          expect(String(await buffer((await store.get(key)).stream))).toBe(key)
          expect(await store.head(key)).toMatchObject({ size: Buffer.byteLength(key) })
          expect(await keysOf(store, key)).toContain(key)
        }
        expect(await keysOf(store, at)).toEqual(sorted(keys))
        await store.remove(keys)
        expect(await keysOf(store, at)).toEqual([])
      })

      it.each([
        '',
        '/',
        '/absolute',
        'folder/',
        'a//b',
        '.',
        '..',
        '../a',
        'a/../b',
        'a/./b',
        'a/..',
        'nul\0',
        'line\nfeed',
        'lone \ud800 surrogate',
        'k'.repeat(2000),
      ])('%j is refused everywhere', async (key) => {
        const upload = { key, id: 'upload', partSize: 5 << 20 }
        await expectKind(store.put(key, Buffer.from('x')), 'invalid')
        await expectKind(store.get(key), 'invalid')
        await expectKind(store.head(key), 'invalid')
        await expectKind(store.remove([key]), 'invalid')
        await expectKind(store.createUpload(key, 5 << 20), 'invalid')
        await expectKind(store.completeUpload(upload, [partOf('x')]), 'invalid')
        await expectKind(store.abortUpload(upload), 'invalid')
      })

      it('of 255 bytes a component and 900 in all work, longer components are invalid', async () => {
        const at = folder()
        const long = `${at}${[255, 255, 255].map((length) => 'é'.repeat(127).padEnd(length - 127, 'x')).join('/')}`
        await store.put(long, Buffer.from('long'))
        expect(await keysOf(store, at)).toEqual([long])
        await expectKind(store.put(`${at}${'x'.repeat(256)}`, Buffer.from('x')), 'invalid')
      })
    })

    describe('list', () => {
      it("is in the order of the keys' bytes, whatever folders they lie in", async () => {
        const at = folder()
        const names = [
          'a.txt',
          'a/b',
          'a/b.c',
          'a/b/c',
          'a0',
          'aa',
          'a-',
          'Z',
          'é',
          '\uE000',
          '\uFFFD',
          '\u{1F600}',
        ]
        const keys = names.filter((name) => name !== 'a/b').map((name) => at + name)
        for (const key of keys) await store.put(key, Buffer.from('x'))
        expect(await keysOf(store, at)).toEqual(sorted(keys))
      })

      it('begins behind `after`, which need not exist', async () => {
        const at = folder()
        const keys = sorted(['a', 'b.c', 'b/a', 'b/b/c', 'b0', 'c'].map((name) => at + name))
        for (const key of keys) await store.put(key, Buffer.from('x'))
        for (const [index, after] of keys.entries()) {
          expect(await keysOf(store, at, after)).toEqual(keys.slice(index + 1))
        }
        for (const after of [
          `${at}b`,
          `${at}b.`,
          `${at}b/`,
          `${at}b/a0`,
          `${at}b/b/`,
          `${at}bb`,
          `${at}zz`,
          'zzz',
        ]) {
          const behind = keys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
          expect(await keysOf(store, at, after)).toEqual(behind)
        }
        expect(await keysOf(store, at, '!')).toEqual(keys)
      })

      it('takes any beginning of a key as its prefix and gives sizes', async () => {
        const at = folder()
        for (const name of ['job/1', 'job/10', 'job/2', 'jobs']) await store.put(at + name, Buffer.from(name))
        expect(await keysOf(store, `${at}job/1`)).toEqual([`${at}job/1`, `${at}job/10`])
        expect(await keysOf(store, `${at}jo`)).toHaveLength(4)
        expect(await keysOf(store, `${at}x`)).toEqual([])
        expect(await keysOf(store, `${at}x/y/`)).toEqual([])
        for await (const { key, size } of store.list(at)) expect(size).toBe(key.length - at.length)
      })

      it('goes over more objects than one page has, and removes them in bulk', async () => {
        const at = folder()
        const keys = Array.from({ length: 2100 }, (_, index) => `${at}${String(index).padStart(5, '0')}`)
        await inParallel(keys, (key) => store.put(key, Buffer.alloc(0)))
        expect(await keysOf(store, at)).toEqual(keys)
        expect(await keysOf(store, at, keys[1499])).toEqual(keys.slice(1500))
        for await (const { key } of store.list(at)) {
          expect(key).toBe(keys[0])
          break
        }
        await store.remove([...keys, `${at}missing`])
        expect(await keysOf(store, at)).toEqual([])
        await store.remove(keys.slice(0, 3))
        await store.remove([])
      })
    })

    describe('an upload in parts', () => {
      const partSize = 5 * 1024 * 1024

      it('becomes the object when it is completed, not before, whatever the order of its parts', async () => {
        const key = `${folder()}upload`
        const bytes = randomBytes(2 * partSize + 1000)
        const upload = JSON.parse(JSON.stringify(await store.createUpload(key, partSize)))
        const part = (number: number) =>
          store.putPart(upload, number, bytes.subarray((number - 1) * partSize, number * partSize))
        await store.putPart(upload, 2, randomBytes(partSize))
        const last = await part(3)
        const parts = [await part(1), await part(2), last]
        expect(parts.map(({ number, size }) => ({ number, size }))).toEqual([
          { number: 1, size: partSize },
          { number: 2, size: partSize },
          { number: 3, size: 1000 },
        ])
        expect(await store.head(key)).toBeUndefined()
        expect(await keysOf(store, key)).toEqual([])
        const { etag } = await store.completeUpload(upload, parts)
        const body = await store.get(key, { ifMatch: etag })
        expect(body.length).toBe(bytes.length)
        expect(bytes.equals(await buffer(body.stream))).toBe(true)

        // The answer got lost and the caller tries again.
        expect(await store.completeUpload(upload, parts)).toEqual({ etag })
        await store.abortUpload(upload)
        expect(await store.head(key)).toMatchObject({ etag })
      })

      it('may consist of one short part', async () => {
        const key = `${folder()}short`
        const upload = await store.createUpload(key, partSize)
        await store.completeUpload(upload, [await store.putPart(upload, 1, Buffer.from('short'))])
        expect(String(await buffer((await store.get(key)).stream))).toBe('short')
      })

      it('is gone when it was aborted, and aborting it again is no error', async () => {
        const key = `${folder()}aborted`
        const upload = await store.createUpload(key, partSize)
        const part = await store.putPart(upload, 1, Buffer.from('x'))
        await store.abortUpload({ key, id: upload.id })
        await store.abortUpload(upload)
        await expectKind(store.putPart(upload, 1, Buffer.from('x')), 'not-found')
        await expectKind(store.completeUpload(upload, [part]), 'not-found')
        expect(await store.head(key)).toBeUndefined()
      })

      it('that is unknown is not found, though another object stands at its key', async () => {
        const key = `${folder()}unknown`
        const upload = await store.createUpload(key, partSize)
        const part = await store.putPart(upload, 1, Buffer.from('y'))
        await store.abortUpload(upload)
        await store.put(key, Buffer.from('x'))
        await expectKind(store.completeUpload(upload, [part]), 'not-found')
      })

      it("can't be completed without parts or with wrong ones", async () => {
        const key = `${folder()}wrong`
        const upload = await store.createUpload(key, partSize)
        const first = await store.putPart(upload, 1, Buffer.alloc(partSize))
        await expectKind(store.completeUpload(upload, []), 'invalid')
        await expectKind(store.completeUpload(upload, [first, { ...first, number: 2 }]), 'invalid')
        expect(await store.head(key)).toBeUndefined()
        await store.abortUpload(upload)
      })
    })

    it('rejects with the reason of a signal that is aborted', async () => {
      const key = `${folder()}signal`
      await store.put(key, Buffer.from('x'))
      const upload = await store.createUpload(key, 5 << 20)
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await expect(store.prepare(signal)).rejects.toBe(reason)
      await expect(store.put(key, Buffer.from('y'), signal)).rejects.toBe(reason)
      await expect(store.get(key, { signal })).rejects.toBe(reason)
      await expect(store.head(key, signal)).rejects.toBe(reason)
      await expect(collect(store.list(key, { signal }))).rejects.toBe(reason)
      await expect(store.remove([key], signal)).rejects.toBe(reason)
      await expect(store.createUpload(key, 5 << 20, signal)).rejects.toBe(reason)
      await expect(store.putPart(upload, 1, Buffer.from('x'), signal)).rejects.toBe(reason)
      await expect(store.completeUpload(upload, [partOf('x')], signal)).rejects.toBe(reason)
      await expect(store.abortUpload(upload, signal)).rejects.toBe(reason)
      await store.abortUpload(upload)
      expect(String(await buffer((await store.get(key)).stream))).toBe('x')
    })

    it('ends the stream with the reason of a signal that is aborted while it is read', async () => {
      const key = `${folder()}stream`
      await store.put(key, randomBytes(16_000_000))
      const controller = new AbortController()
      const { stream } = await store.get(key, { signal: controller.signal })
      const reason = new Error('enough')
      const read = async () => {
        for await (const _ of stream) controller.abort(reason)
      }
      await expect(read()).rejects.toBe(reason)
    })
  })
}

export async function keysOf(store: ArtifactStore, prefix: string, after?: string): Promise<string[]> {
  const listed = await collect(store.list(prefix, after === undefined ? {} : { after }))
  return listed.map(({ key }) => key)
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

export async function expectKind(promise: Promise<unknown>, kind: StoreErrorKind): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'StoreError', kind })
}

function sorted(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function partOf(text: string) {
  return { number: 1, etag: '0'.repeat(32), crc32: 'AAAAAA==', size: text.length }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const item of rest) await work(item)
    }),
  )
}
