import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/artifact/entry.ts'
import { layout } from '../../src/artifact/layout.ts'
import { type ArtifactStore, type ObjectBody, StoreError } from '../../src/artifact/store.ts'
import { attempt, job, putManifest, recording } from '../artifact/fixtures.ts'
import { layouts } from './packed.ts'
import { putFile, serve } from './served.ts'

const big = Buffer.alloc(3 * 1024 * 1024, 'big ')

async function typical(store: ArtifactStore): Promise<Entry[]> {
  return [
    await putFile(store, 'hello.txt', 'hello, world\n'),
    await putFile(store, 'empty', ''),
    await putFile(store, 'big.bin', big),
    await putFile(store, 'a b+c%?#&ü\n.txt', 'odd'),
    await putFile(store, Buffer.from([0x61, 0xff]), 'bytes'),
    await putFile(store, 'page.html', '<script>'),
    await putFile(store, 'txt', 'no extension'),
    await putFile(store, 'future', 'x', { mtime: '2999-01-01T00:00:00.000000000Z' }),
    { path: 'folder', type: 'directory', mode: '0755' },
    { path: 'link', type: 'symlink', target: '/etc/passwd' },
    { path: 'pipe', type: 'skipped', error: 'fifo' },
    { path: 'unread', type: 'file', size: 5, error: 'EACCES: permission denied' },
  ]
}

const problemCode = async (response: Response) => {
  const document = (await response.json()) as { type: string }
  return document.type.replace('urn:jobferry:error:', '')
}

describe.each(layouts)('GET /job/:id/result?file=, %s,', (kind) => {
  it('answers with the bytes and all that describes them', async () => {
    const { url } = await serve(typical, { kind })
    const response = await fetch(`${url}?file=hello.txt`)
    const sha256 = createHash('sha256').update('hello, world\n').digest()
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': '13',
      'content-type': 'text/plain; charset=utf-8',
      'content-disposition': 'inline; filename=hello.txt',
      etag: `"${sha256.toString('hex')}"`,
      'last-modified': 'Thu, 02 Jan 2025 03:04:05 GMT',
      'accept-ranges': 'bytes',
      'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
      'jobferry-result-state': 'partial',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
    })
    expect(await response.text()).toBe('hello, world\n')
  })

  it.each([
    ['a+b%2Bc%25%3F%23%26%C3%BC%0A.txt', 'odd'],
    ['a%FF', 'bytes'],
    ['empty', ''],
    ['big.bin', big.toString()],
  ])('finds %s', async (file, content) => {
    const { url } = await serve(typical, { kind })
    const response = await fetch(`${url}?file=${file}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(content)))
    expect((await response.text()) === content).toBe(true)
  })

  it('names a file as RFC 8187 has it, and knows types by the extension alone', async () => {
    const { url } = await serve(typical, { kind })
    const odd = await fetch(`${url}?file=a+b%2Bc%25%3F%23%26%C3%BC%0A.txt`)
    expect(odd.headers.get('content-disposition')).toContain(
      "filename*=UTF-8''a%20b%2Bc%25%3F%23%26%C3%BC%0A.txt",
    )
    const none = await fetch(`${url}?file=txt`)
    expect(none.headers.get('content-type')).toBe('application/octet-stream')
    const html = await fetch(`${url}?file=page.html`)
    expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(html.headers.get('content-disposition')).toMatch(/^attachment/)
    expect((await fetch(`${url}?file=future`)).headers.has('last-modified')).toBe(false)
  })

  it('answers HEAD with the same headers, and reads no object for it', async () => {
    let reads: string[] = []
    const faults = (store: ArtifactStore) => {
      const recorded = recording(store)
      reads = recorded.gets
      return recorded
    }
    const { url } = await serve(typical, { faults, kind })
    const whole = await fetch(`${url}?file=hello.txt`)
    await whole.text()
    reads.length = 0
    const head = await fetch(`${url}?file=hello.txt`, { method: 'HEAD', headers: { Range: 'bytes=0-1' } })
    const comparable = (headers: Headers) =>
      [...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
    expect(head.status).toBe(200)
    expect(comparable(head.headers)).toEqual(comparable(whole.headers))
    expect(reads.filter((key) => key.includes('/files/'))).toEqual([])
  })

  it.each([
    ['bytes=0-4', 206, 'hello', 'bytes 0-4/13'],
    ['bytes=7-', 206, 'world\n', 'bytes 7-12/13'],
    ['bytes=-1', 206, '\n', 'bytes 12-12/13'],
    ['bytes=0-1,3-4', 200, 'hello, world\n', null],
  ])('answers Range %s with %d', async (Range, status, text, contentRange) => {
    const { url } = await serve(typical, { kind })
    const response = await fetch(`${url}?file=hello.txt`, { headers: { Range } })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-range')).toBe(contentRange)
    expect(response.headers.get('content-length')).toBe(String(text.length))
    expect(await response.text()).toBe(text)
  })

  it('answers 416 with the size', async () => {
    const { url } = await serve(typical, { kind })
    const response = await fetch(`${url}?file=hello.txt`, { headers: { Range: 'bytes=13-' } })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe('bytes */13')
    expect(await problemCode(response)).toBe('range-not-satisfiable')
  })

  it('evaluates conditions before the range', async () => {
    const { url } = await serve(typical, { kind })
    const etag = (await fetch(`${url}?file=hello.txt`)).headers.get('etag') ?? ''
    const ask = (headers: Record<string, string>) => fetch(`${url}?file=hello.txt`, { headers })
    const fresh = await ask({ 'If-None-Match': etag, Range: 'bytes=99-' })
    expect([fresh.status, fresh.headers.get('etag'), await fresh.text()]).toEqual([304, etag, ''])
    expect((await ask({ 'If-Match': '"other"', Range: 'bytes=0-1' })).status).toBe(412)
    expect((await ask({ 'If-Range': etag, Range: 'bytes=0-1' })).status).toBe(206)
    expect((await ask({ 'If-Range': '"other"', Range: 'bytes=0-1' })).status).toBe(200)
    expect((await ask({ 'If-Modified-Since': 'Thu, 02 Jan 2025 03:04:05 GMT' })).status).toBe(304)
  })

  it.each([
    ['nothing', 404, 'not-found'],
    ['../hello.txt', 404, 'not-found'],
    ['/hello.txt', 404, 'not-found'],
    ['folder/', 404, 'not-found'],
    ['folder', 409, 'directory'],
    ['link', 409, '/etc/passwd'],
    ['pipe', 409, 'fifo'],
    ['unread', 409, 'EACCES'],
    ['', 400, 'file'],
    ['a%00', 400, 'file'],
    ['%zz', 400, 'file'],
    ['a&files=b', 400, 'files'],
  ])('answers file=%s with %d and says why', async (file, status, word) => {
    const { url } = await serve(typical, { kind })
    const response = await fetch(`${url}?file=${file}`)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const body = await response.text()
    expect(body).toContain(word)
    const expected = expect.stringMatching(/./)
    expect(JSON.parse(body).errors).toEqual([
      { field: expect.stringMatching(/^files?$/), problem: expected, expected },
    ])
  })
})

describe('a result that is damaged in the store', () => {
  const object = (key: string) => layout.file(job, attempt, key)

  it.each([
    ['removed', (store: ArtifactStore) => store.remove([object('hello.txt')])],
    ['cut short', (store: ArtifactStore) => store.put(object('hello.txt'), Buffer.from('hello'))],
    ['replaced', (store: ArtifactStore) => store.put(object('hello.txt'), Buffer.from('HELLO, world\n'))],
  ])('is a 500 that names the file when it was %s, in whole and in part', async (_, damage) => {
    const { url, store, logged } = await serve(typical)
    await damage(store)
    for (const headers of [{}, { Range: 'bytes=0-1' }]) {
      const response = await fetch(`${url}?file=hello.txt`, { headers })
      expect(response.status).toBe(500)
      expect(response.headers.has('content-disposition')).toBe(false)
      expect(await problemCode(response)).toBe('result-damaged')
    }
    expect(logged.join('')).toContain('hello.txt')
  })

  it('is noticed where an entry says nothing of the ETag', async () => {
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
  ])('cuts the connection where the stream %s', async (_, damage) => {
    const { url, logged } = await serve(typical, { faults: (store) => damaging(store, damage) })
    const response = await fetch(`${url}?file=big.bin`)
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(logged.join('')).toContain('cut off')
    const { url: small } = await serve(typical, { faults: (store) => damaging(store, damage) })
    expect((await fetch(`${small}?file=hello.txt`)).status).toBeGreaterThanOrEqual(500)
  })

  it('is noticed where it is the manifest', async () => {
    const { url, store } = await serve(typical)
    await store.put(layout.manifest(job, attempt), Buffer.from('{}\n'))
    const response = await fetch(`${url}?file=hello.txt`)
    expect([response.status, await problemCode(response)]).toEqual([500, 'result-damaged'])
  })

  it('is read anew where the manifest was replaced', async () => {
    const { url, store } = await serve(typical)
    await (await fetch(`${url}?file=hello.txt`)).text()
    await putManifest(store, [await putFile(store, 'new', 'new one')])
    expect(await (await fetch(`${url}?file=new`)).text()).toBe('new one')
  })

  it('is not what a store that does not answer looks like', async () => {
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

describe('a store that breaks off in the middle of a file', () => {
  it('is asked for the rest', async () => {
    const { url } = await serve(typical, { faults: (store) => breaking(store, false) })
    expect(Buffer.from(await (await fetch(`${url}?file=big.bin`)).arrayBuffer()).equals(big)).toBe(true)
  })

  it('cuts the connection where it does not come back', async () => {
    const { url, logged } = await serve(typical, { faults: (store) => breaking(store, true) })
    const response = await fetch(`${url}?file=big.bin`)
    expect(response.status).toBe(200)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(logged.join('')).toContain('cut off')
  })
})

describe('a caller who reads slowly', () => {
  const size = 256 * 1024 * 1024

  it.each([
    ['a file', '?file=huge'],
    ['a tar', ''],
  ])('of %s fills no memory, and the read of the store ends when the caller goes away', async (_, query) => {
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
    // What the kernel's socket buffers take is not memory of ours.
    expect(given).toBeLessThan(32 * 1024 * 1024)
    request.destroy()
    await expect.poll(() => stream?.destroyed).toBe(true)
  })
})

/** Damages what the store gives of files. */
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

/** Breaks the first read of a file off in its middle; with `forGood` the store is gone from then on. */
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
