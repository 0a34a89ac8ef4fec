import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolderStore } from '../../src/store/folder/folder.ts'
import { putStream, TooLargeError } from '../../src/store/put-stream.ts'
import { type ArtifactStore, StoreError } from '../../src/store/store.ts'
import { manualClock } from '../support/time/manual-clock.ts'

const mib = 1024 * 1024
const random = randomBytes(17 * mib + 5)

describe('putStream', () => {
  let directory: string
  let store: ArtifactStore
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'put-stream-'))
    store = createFolderStore(directory)
  })
  afterAll(() => rm(directory, { recursive: true }))

  const leftovers = () => readdir(join(directory, '.tmp'))

  it.each([0, 1, 65_536, 65_537, 8 * mib - 1, 8 * mib, 8 * mib + 1, 16 * mib, random.length])(
    'writes %d bytes completely, in pieces of any size',
    async (size) => {
      const bytes = random.subarray(0, size)
      for (const piece of [size + 1, 100_003]) {
        const pieces = Array.from({ length: Math.ceil(size / piece) }, (_, index) =>
          bytes.subarray(index * piece, (index + 1) * piece),
        )
        const result = await putStream(store, `whole/${size}`, Readable.from(pieces))
        const found = await buffer((await store.get(`whole/${size}`, { ifMatch: result.etag })).stream)
        expect(found.equals(bytes)).toBe(true)
        expect(result).toMatchObject({ size, sha256: createHash('sha256').update(bytes).digest('hex') })
      }
      expect(await leftovers()).toEqual([])
    },
  )

  it('refuses more than maxBytes and leaves no temporary file', async () => {
    const source = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(mib)))
    const refused = putStream(store, 'large', source, { maxBytes: 30 * mib })
    await expect(refused).rejects.toBeInstanceOf(TooLargeError)
    await expect(refused).rejects.toMatchObject({ maxBytes: 30 * mib })
    expect(source.destroyed).toBe(true)
    expect(await store.head('large')).toBeUndefined()
    expect(await leftovers()).toEqual([])
    expect(
      await putStream(store, 'exact', Readable.from([Buffer.alloc(10)]), { maxBytes: 10 }),
    ).toMatchObject({ size: 10 })
  })

  it("rejects with the source's error and leaves no temporary file", async () => {
    const broken = new Error('the client disconnected')
    const source = async function* () {
      yield Buffer.alloc(20 * mib)
      throw broken
    }
    await expect(putStream(store, 'broken', source())).rejects.toBe(broken)
    expect(await store.head('broken')).toBeUndefined()
    expect(await leftovers()).toEqual([])
  })

  it('ends at once if a part fails while the source is silent, and leaves no temporary file', async () => {
    const failing: ArtifactStore = {
      ...store,
      putPart: () => Promise.reject(new StoreError('full', 'no space')),
    }
    const source = new Readable({ read() {} })
    source.push(Buffer.alloc(17 * mib))
    await expect(putStream(failing, 'full', source)).rejects.toMatchObject({ kind: 'full' })
    expect(source.destroyed).toBe(true)
    expect(await leftovers()).toEqual([])
  })

  it("ends with its signal's reason while the source is silent, and leaves no temporary file", async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const source = new Readable({ read() {} })
    source.push(Buffer.alloc(17 * mib))
    setTimeout(() => controller.abort(reason), 100)
    await expect(putStream(store, 'aborted', source, { signal: controller.signal })).rejects.toBe(reason)
    expect(source.destroyed).toBe(true)
    expect(await leftovers()).toEqual([])
  })

  it('rejects with the reason of a signal aborted before, and destroys its source without an unhandled error', async () => {
    const reason = new Error('too late')
    const source = new Readable({ read() {} })
    // The source is destroyed with an error before it has a reader. An unhandled error would end
    // the process.
    await expect(putStream(store, 'late', source, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(source.destroyed).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 20))
  })

  it('ends within seconds if the store no longer answers', async () => {
    const clock = manualClock()
    const asked = Promise.withResolvers<void>()
    const silent: ArtifactStore = {
      ...store,
      putPart: () => Promise.reject(new StoreError('full', 'no space')),
      abortUpload: (_upload, signal) => {
        asked.resolve()
        return new Promise((_resolve, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason)),
        )
      },
    }
    const source = Readable.from([Buffer.alloc(17 * mib)])
    const refused = expect(putStream(silent, 'silent', source, { clock })).rejects
    const rejected = refused.toMatchObject({ kind: 'full' })
    await asked.promise
    await clock.advance(4000)
    await rejected
  })

  it('holds at most three parts in memory', async () => {
    const sent = new Set<unknown>()
    let open = 0
    let most = 0
    const counting: ArtifactStore = {
      ...store,
      putPart: async (upload, number, body, signal) => {
        most = Math.max(most, ++open)
        sent.add('buffer' in body && body.buffer)
        await new Promise((resolve) => setTimeout(resolve, 20))
        const part = await store.putPart(upload, number, body, signal)
        open--
        return part
      },
    }
    const source = Readable.from(
      (function* () {
        for (let index = 0; index < 40; index++) yield Buffer.alloc(mib, index)
      })(),
    )
    await putStream(counting, 'memory', source)
    expect(most).toBe(2)
    expect(sent.size).toBeLessThanOrEqual(3)
  })
})
