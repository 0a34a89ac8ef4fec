import { once } from 'node:events'
import { get } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { type ArtifactStore, type ObjectBody, StoreError } from '../../../src/store/store.ts'
import { attempt, job, putManifest } from '../../result-format/fixtures.ts'
import { patientClock } from '../../support/time/fast-clock.ts'
import { putFile, serve } from '../served.ts'
import { big, problemCode, typical } from './typical-result.ts'

describe('a damaged result', () => {
  const object = (key: string) => jobKeys.file(job, attempt, key)

  it.each([
    ['removed', (store: ArtifactStore) => store.remove([object('hello.txt')])],
    ['cut short', (store: ArtifactStore) => store.put(object('hello.txt'), Buffer.from('hello'))],
    ['replaced', (store: ArtifactStore) => store.put(object('hello.txt'), Buffer.from('HELLO, world\n'))],
  ])(
    'is 500, and the log names the file, if it was %s, for the whole file and a range',
    async (_, damage) => {
      const { url, store, logged } = await serve(typical)
      await damage(store)
      for (const headers of [{}, { Range: 'bytes=0-1' }]) {
        const response = await fetch(`${url}?file=hello.txt`, { headers })
        expect(response.status).toBe(500)
        expect(response.headers.has('content-disposition')).toBe(false)
        expect(await problemCode(response)).toBe('result-damaged')
      }
      expect(logged.join('')).toContain('hello.txt')
    },
  )

  it('is noticed by its hash if its entry has no ETag', async () => {
    const { url } = await serve(async (store) => {
      const { etag: _etag, ...entry } = await putFile(store, 'f', 'right')
      await putFile(store, 'f', 'wrong')
      return [entry]
    })
    expect((await fetch(`${url}?file=f`)).status).toBe(500)
  })

  it.each([
    ['has a flipped bit', (body: Buffer) => Buffer.concat([body.subarray(0, -1), Buffer.from('!')])],
    ['ends too early', (body: Buffer) => body.subarray(0, -1)],
  ])('aborts the connection if the stream %s', async (_, damage) => {
    const { url, logged } = await serve(typical, { faults: (store) => damaging(store, damage) })
    const response = await fetch(`${url}?file=big.bin`)
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(logged.join('')).toContain('cut off')
    const { url: small } = await serve(typical, { faults: (store) => damaging(store, damage) })
    expect((await fetch(`${small}?file=hello.txt`)).status).toBeGreaterThanOrEqual(500)
  })

  it('is noticed in the manifest', async () => {
    const { url, store } = await serve(typical)
    await store.put(jobKeys.manifest(job, attempt), Buffer.from('{}\n'))
    const response = await fetch(`${url}?file=hello.txt`)
    expect([response.status, await problemCode(response)]).toEqual([500, 'result-damaged'])
  })

  it('is read again after its manifest was replaced', async () => {
    const { url, store } = await serve(typical)
    await (await fetch(`${url}?file=hello.txt`)).text()
    await putManifest(store, [await putFile(store, 'new', 'new one')])
    expect(await (await fetch(`${url}?file=new`)).text()).toBe('new one')
  })

  it('is told apart from an unavailable store, which is 503 with Retry-After', async () => {
    const faults = (store: ArtifactStore): ArtifactStore => ({
      ...store,
      get: () => Promise.reject(new StoreError('unavailable', 'refused')),
    })
    const { url } = await serve(typical, { faults })
    const response = await fetch(`${url}?file=hello.txt`)
    expect(response.status).toBe(503)
    expect(response.headers.has('retry-after')).toBe(true)
  })
})

describe('a store whose answer breaks off in the middle of a file', () => {
  it('is asked for the rest', async () => {
    const { url } = await serve(typical, { faults: (store) => breaking(store, false) })
    expect(Buffer.from(await (await fetch(`${url}?file=big.bin`)).arrayBuffer()).equals(big)).toBe(true)
  })

  it('ends the connection to the client with an error if it stays unavailable', async () => {
    const { url, logged } = await serve(typical, {
      faults: (store) => breaking(store, true),
      clock: patientClock,
    })
    const response = await fetch(`${url}?file=big.bin`)
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(logged.join('')).toContain('cut off')
  })
})

describe('a slow reader', () => {
  const size = 256 * 1024 * 1024

  it.each([
    ['a file', '?file=huge'],
    ['a tar', ''],
  ])(
    'of %s causes no unbounded buffering, and a client disconnect ends the read of the store',
    async (_, query) => {
      let given = 0
      let stream: Readable | undefined
      const endless = (store: ArtifactStore): ArtifactStore => ({
        ...store,
        async get(key, options): Promise<ObjectBody> {
          if (!key.includes('/files/')) return store.get(key, options)
          stream = Readable.from(
            (function* () {
              for (; given < size; given += 65_536) yield Buffer.alloc(65_536)
            })(),
            { objectMode: false },
          )
          return { stream, etag: 'x', size, length: size, modified: new Date() }
        },
      })
      const entries = async (): Promise<Entry[]> => [
        { path: 'huge', type: 'file', size, sha256: '0'.repeat(64), key: 'huge', etag: 'x' },
      ]
      const { url } = await serve(entries, { faults: endless })
      const request = get(url + query)
      const [response] = await once(request, 'response')
      await once(response, 'readable')
      await sleep(500)
      // The kernel's socket buffers hold a part outside this process.
      expect(given).toBeLessThan(32 * 1024 * 1024)
      request.destroy()
      await expect.poll(() => stream?.destroyed).toBe(true)
    },
  )
})

/** A store that applies `damage` to the content of every file. */
function damaging(store: ArtifactStore, damage: (body: Buffer) => Buffer): ArtifactStore {
  return {
    ...store,
    async get(key, options) {
      const body = await store.get(key, options)
      if (!key.includes('/files/')) return body
      const bytes = Buffer.concat(await body.stream.toArray())
      return { ...body, stream: Readable.from(pieces(damage(bytes)), { objectMode: false }) }
    },
  }
}

/** Breaks off the first read of a file in its middle; with `forGood` every later read fails. */
function breaking(store: ArtifactStore, forGood: boolean): ArtifactStore {
  let broken = false
  return {
    ...store,
    async get(key, options) {
      if (broken && forGood) throw new StoreError('unavailable', 'connection refused')
      const body = await store.get(key, options)
      if (!key.includes('/files/') || broken) return body
      broken = true
      const bytes = Buffer.concat(await body.stream.toArray())
      const half = function* () {
        yield* pieces(bytes.subarray(0, bytes.length >> 1))
        throw new StoreError('unavailable', 'reset by peer')
      }
      return { ...body, stream: Readable.from(half(), { objectMode: false }) }
    },
  }
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let i = 0; i < bytes.length; i += 65_536) yield bytes.subarray(i, i + 65_536)
}
