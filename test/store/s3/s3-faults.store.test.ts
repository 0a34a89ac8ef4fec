import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { putStream } from '../../../src/store/put-stream.ts'
import { relay } from '../../../src/store/relay.ts'
import { retry } from '../../../src/store/retry.ts'
import { createS3Store, type S3Settings, staticCredentials } from '../../../src/store/s3/s3.ts'
import type { ArtifactStore, GetOptions } from '../../../src/store/store.ts'
import { s3Client } from '../../support/store/bucket.ts'
import { type Fault, type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { expectKind, keysOf } from '../conformance/store.conformance.ts'

const partSize = 5 * 1024 * 1024

describe('S3 behind a faulty network', () => {
  let minio: RunningMinio
  let proxy: FaultProxy
  let store: ArtifactStore
  let settings: S3Settings
  const bytes = randomBytes(2_000_000)
  const large = randomBytes(12_000_000)
  /** Upper bound for a hung connection; undici's timers are coarse and may add up to a second. */
  const timeoutMs = 1000

  beforeAll(async () => {
    minio = await startMinio()
    proxy = await startFaultProxy(minio.endpoint)
    const credentials = staticCredentials(minio.accessKey, minio.secretKey)
    settings = {
      endpoint: proxy.url,
      bucket: 'faults',
      region: 'us-east-1',
      prefix: '',
      credentials,
      timeoutMs,
    }
    store = createS3Store(settings)
    await store.prepare()
    await store.put('object', bytes)
    await store.put('large', large)
  })
  afterEach(() => proxy.setFault({ kind: 'pass' }))
  afterAll(async () => {
    await store.close()
    await proxy.close()
    await minio.stop()
  })

  const everyCall = (): [string, () => Promise<unknown>][] => {
    const upload = { key: 'upload', id: 'none', partSize }
    const part = { number: 1, etag: '0'.repeat(32), crc32: 'AAAAAA==', size: 1 }
    return [
      ['prepare', () => store.prepare()],
      ['put', () => store.put('other', bytes)],
      ['get', async () => buffer((await store.get('object')).stream)],
      ['relay', () => relayedLength(store, { offset: 0, length: large.length })],
      ['head', () => store.head('object')],
      ['list', () => keysOf(store, '')],
      ['remove', () => store.remove(['missing'])],
      ['createUpload', () => store.createUpload('upload', partSize)],
      ['putPart', () => store.putPart(upload, 1, bytes)],
      ['completeUpload', () => store.completeUpload(upload, [part])],
      ['abortUpload', () => store.abortUpload(upload)],
    ]
  }

  it.each<Fault>([
    { kind: 'refuse' },
    { kind: 'reset' },
    { kind: 'hang' },
    { kind: 'slow-down' },
    { kind: 'cut', direction: 'answer', afterBytes: 0 },
    { kind: 'cut', direction: 'answer', afterBytes: 30 },
    { kind: 'cut', direction: 'request', afterBytes: 100 },
  ])(
    'every call ends as unavailable within the timeout under %j, and works again afterwards',
    async (fault) => {
      await proxy.setFault(fault)
      const start = performance.now()
      const calls = everyCall().map(async ([name, call]) => {
        const failure = await call().then(
          () => undefined,
          (error: unknown) => error,
        )
        expect(failure, name).toMatchObject({ name: 'StoreError', kind: 'unavailable' })
        expect(performance.now() - start, name).toBeLessThan(timeoutMs + 15_000)
      })
      await Promise.all(calls)
      await proxy.setFault({ kind: 'pass' })
      expect(await store.head('object')).toMatchObject({ size: bytes.length })
    },
  )

  it.each([1000, 500_000, 1_999_999])(
    'an answer cut after %d bytes never ends cleanly',
    async (afterBytes) => {
      await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes })
      const read = async () => {
        const { stream } = await store.get('object')
        let length = 0
        for await (const chunk of stream) length += chunk.length
        return length
      }
      await expectKind(read(), 'unavailable')
    },
  )

  it.each([1000, 500_000, 11_999_999])(
    'a relayed answer, cut after %d bytes, never ends cleanly',
    async (afterBytes) => {
      await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes })
      const read = relayedLength(store, { offset: 0, length: large.length })
      await expectKind(read, 'unavailable')
    },
  )

  it('a stream that stalls ends as unavailable', async () => {
    // More bytes than the socket buffers on the way hold.
    await store.put('huge', Buffer.alloc(40_000_000, 'x'))
    const { stream } = await store.get('huge')
    await proxy.setFault({ kind: 'hang' })
    const length = buffer(stream).then((read) => read.length)
    await expectKind(length, 'unavailable')
  })

  it('a reader that is slower than the timeout gets everything', async () => {
    const { stream, length } = await store.get('large')
    await new Promise((resolve) => setTimeout(resolve, timeoutMs * 2.5))
    expect((await buffer(stream)).length).toBe(length)
  })

  it('a body that takes longer than the timeout arrives if it keeps moving', async () => {
    await proxy.setFault({ kind: 'throttle', bytesPerSecond: 8_000_000 })
    const body = randomBytes(32_000_000)
    const start = performance.now()
    await store.put('slow', body)
    expect(performance.now() - start).toBeGreaterThan(timeoutMs * 2)
    await proxy.setFault({ kind: 'pass' })
    expect(body.equals(await buffer((await store.get('slow')).stream))).toBe(true)
  })

  it('completing an upload again succeeds after a lost answer', async () => {
    const upload = await store.createUpload('lost', partSize)
    const parts = [
      await store.putPart(upload, 1, Buffer.alloc(partSize, 'a')),
      await store.putPart(upload, 2, Buffer.from('b')),
    ]
    await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 0, times: 1 })
    const failures: unknown[] = []
    const { etag } = await retry(() => store.completeUpload(upload, parts), {
      onRetry: (error) => failures.push(error),
    })
    expect(failures).toMatchObject([{ kind: 'unavailable' }])
    expect(await store.head('lost')).toMatchObject({ etag, size: partSize + 1 })
  })

  it('createUpload, repeated after a lost answer, aborts the first upload', async () => {
    const uploads = async () => {
      const ids: string[] = []
      for await (const { uploadId } of s3Client(minio).listIncompleteUploads('faults', 'begun', true)) {
        ids.push(uploadId)
      }
      return ids
    }
    await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 0, times: 1 })
    const upload = await retry(() => store.createUpload('begun', partSize))
    expect(await uploads()).toEqual([upload.id])
    await store.abortUploads('begun')
    expect(await uploads()).toEqual([])
  })

  it('a store with an unread answer closes within seconds', async () => {
    const another = createS3Store(settings)
    await store.put('unread', Buffer.alloc(12_000_000, 'x'))
    const { stream } = await another.get('unread')
    stream.on('error', () => {})
    const begun = performance.now()
    await another.close()
    expect(performance.now() - begun).toBeLessThan(20_000)
  })

  it('a stream is stored completely even if connections break during its parts', async () => {
    const parts = Array.from({ length: 40 }, () => randomBytes(700_000))
    const source = async function* () {
      for (const [index, part] of parts.entries()) {
        if (index === 15 || index === 30) {
          await proxy.setFault({ kind: 'cut', direction: 'request', afterBytes: 1_000_000, times: 2 })
        }
        yield part
      }
    }
    const { etag, size, sha256 } = await putStream(store, 'stream', source())
    const found = await buffer((await store.get('stream', { ifMatch: etag })).stream)
    expect(size).toBe(28_000_000)
    expect(found.equals(Buffer.concat(parts))).toBe(true)
    expect(sha256).toBe(createHash('sha256').update(found).digest('hex'))
  })

  it('calls reject with the reason of their signal at once', async () => {
    await proxy.setFault({ kind: 'hang' })
    for (const call of [
      (signal: AbortSignal) => store.put('other', bytes, signal),
      (signal: AbortSignal) => store.get('object', { signal }),
      (signal: AbortSignal) => store.remove(['object'], signal),
      (signal: AbortSignal) => store.list('', { signal })[Symbol.asyncIterator]().next(),
    ]) {
      const reason = new Error('enough')
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 50)
      const start = performance.now()
      await expect(call(controller.signal)).rejects.toBe(reason)
      expect(performance.now() - start).toBeLessThan(timeoutMs)
    }
  })

  it('wrong credentials are denied, a missing bucket is not found', async () => {
    const stranger = createS3Store({
      ...settings,
      credentials: staticCredentials('stranger', 'wrong-secret'),
    })
    const imposter = createS3Store({
      ...settings,
      credentials: staticCredentials(minio.accessKey, 'wrong-secret'),
    })
    for (const refused of [stranger, imposter]) {
      await expectKind(refused.put('object', bytes), 'denied')
      await expectKind(refused.get('object'), 'denied')
      await expectKind(refused.head('object'), 'denied')
      await expectKind(keysOf(refused, ''), 'denied')
      await expectKind(refused.remove(['object']), 'denied')
      await expectKind(refused.prepare(), 'denied')
      await refused.close()
    }
    const elsewhere = createS3Store({ ...settings, bucket: 'nowhere' })
    await expectKind(elsewhere.put('object', bytes), 'not-found')
    await expectKind(keysOf(elsewhere, ''), 'not-found')
    await elsewhere.close()
  })
})

async function relayedLength(store: ArtifactStore, options: GetOptions): Promise<number> {
  let length = 0
  const sink = async (chunk: Buffer) => {
    length += chunk.length
  }
  await relay(store, 'large', () => sink, options)
  return length
}
