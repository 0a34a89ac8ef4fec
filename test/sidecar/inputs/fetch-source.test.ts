import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { fetchInto } from './fetch-into.ts'
import { removeCa, serve, sourceServer } from './source-server.ts'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const mebibyte = 2 ** 20

afterAll(removeCa)

describe('a file over TLS', () => {
  it('of a private authority comes whole, with its digest and ETag', async () => {
    const bytes = randomBytes(3 * mebibyte)
    const { url, ca } = await sourceServer(serve(bytes, '"one"'))
    const from = `${url}/data.bin?signature=secret`
    const { taken, read, directory } = await fetchInto({ from, sha256: sha256(bytes) }, { ca: ca.pem })
    expect(taken).toEqual({
      source: `${url}/data.bin`,
      to: 'file',
      size: bytes.length,
      sha256: sha256(bytes),
      etag: '"one"',
    })
    expect(read().equals(bytes)).toBe(true)
    expect(statSync(join(directory, 'file')).mode & 0o777).toBe(0o644)
    expect(readdirSync(directory)).toEqual(['file'])
  })

  it('of an authority that is not known is not taken', async () => {
    const { url, requests } = await sourceServer(serve(Buffer.from('x'), undefined))
    const { taken } = await fetchInto({ from: `${url}/x` }, {}, { timeoutSeconds: 1 })
    expect(taken).toMatchObject({
      kind: 'InputUnavailable',
      message: expect.stringMatching(/certificate|not there/),
    })
    expect(requests).toEqual([])
  })

  it('goes on by ranges from a server that cuts every 5 MB', async () => {
    const bytes = randomBytes(18 * mebibyte)
    const { url, ca, requests } = await sourceServer(serve(bytes, '"one"', 5e6))
    const { taken, read, notes } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ size: bytes.length, sha256: sha256(bytes) })
    expect(read().equals(bytes)).toBe(true)
    expect(requests.length).toBeGreaterThan(3)
    expect(requests.slice(1).every(({ range }) => range !== undefined)).toBe(true)
    expect(notes.at(-1)).toBe(undefined)
  })

  it('begins anew if it changes between two ranges', async () => {
    const [first, second] = [randomBytes(2 * mebibyte), randomBytes(2 * mebibyte)]
    const { url, ca } = await sourceServer((req, res, number) => {
      const version = number === 1 ? serve(first, '"one"', mebibyte) : serve(second, '"two"')
      version(req, res, number)
    })
    const { taken, read } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ sha256: sha256(second), etag: '"two"' })
    expect(read().equals(second)).toBe(true)
  })

  it('is not mixed of two versions by a server that ignores If-Range', async () => {
    const [first, second] = [randomBytes(2 * mebibyte), randomBytes(2 * mebibyte)]
    const { url, ca, requests } = await sourceServer((req, res, number) => {
      if (number === 1) return serve(first, '"one"', mebibyte)(req, res, number)
      req.headers['if-range'] = '"two"'
      serve(second, '"two"')(req, res, number)
    })
    const { taken, read } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ sha256: sha256(second) })
    expect(read().equals(second)).toBe(true)
    expect(requests.at(-1)?.range).toBe(undefined)
  })

  it('with a weak ETag or none is fetched from the start after a cut', async () => {
    for (const etag of ['W/"one"', undefined]) {
      const bytes = randomBytes(2 * mebibyte)
      const { url, ca, requests } = await sourceServer((req, res, number) =>
        serve(bytes, etag, number === 1 ? mebibyte : undefined)(req, res, number),
      )
      const { taken } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
      expect(taken).toMatchObject({ sha256: sha256(bytes) })
      expect(requests.map(({ range }) => range)).toEqual([undefined, undefined])
    }
  })
})

describe('an archive', () => {
  it('becomes a folder, also where a killed program had unpacked it', async () => {
    const made = pack()
    made.entry({ name: 'a/b' }, 'text')
    made.finalize()
    const bytes = await buffer(made)
    const { url, ca } = await sourceServer(serve(bytes, undefined))
    const directory = temporaryFolder()
    mkdirSync(join(directory, 'file/old'), { recursive: true })
    const line = { from: `${url}/x.tar`, unpack: 'tar', sha256: sha256(bytes) } as const
    const { taken } = await fetchInto(line, { ca: ca.pem }, { directory })
    expect(taken).toMatchObject({ size: bytes.length, to: 'file' })
    expect(readdirSync(directory, { recursive: true }).sort()).toEqual(['file', 'file/a', 'file/a/b'])
  })

  it('that is none is named with the reason, though it is optional', async () => {
    const { url, ca } = await sourceServer(serve(Buffer.from('x'), undefined))
    const line = { from: `${url}/x.tar?a=b`, unpack: 'tar.gz', optional: true } as const
    const { taken, directory } = await fetchInto(line, { ca: ca.pem })
    expect(taken).toMatchObject({
      kind: 'InputInvalid',
      message: expect.stringMatching(/\/x\.tar: as tar\.gz it is refused: /),
    })
    expect(readdirSync(directory)).not.toContain('file')
  })
})

describe('a source that fails', () => {
  it('is asked again after a 503, and the problem is noted', async () => {
    const { url, ca } = await sourceServer((req, res, number) =>
      number < 3 ? res.writeHead(503).end() : serve(Buffer.from('x'), undefined)(req, res, number),
    )
    const { taken, notes } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ size: 1 })
    expect(notes).toEqual([
      expect.stringMatching(/answered 503; it is tried again/),
      expect.stringMatching(/answered 503; it is tried again/),
      undefined,
    ])
  })

  it('is named when `input_timeout_seconds` are over', async () => {
    const { url, ca } = await sourceServer((_, res) => res.writeHead(503).end())
    const { taken, directory } = await fetchInto(
      { from: `${url}/x?key=secret` },
      { ca: ca.pem },
      { timeoutSeconds: 1 },
    )
    expect(taken).toMatchObject({
      kind: 'InputUnavailable',
      message: expect.stringMatching(/\/x: .* 1 s after/),
    })
    expect(String(taken)).not.toContain('secret')
    expect(readdirSync(directory)).not.toContain('file')
  })

  it('that never ends is cut when the time is over', async () => {
    const { url, ca } = await sourceServer((_, res) => void res.writeHead(200).write('a'))
    const { taken } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem }, { timeoutSeconds: 1 })
    expect(taken).toMatchObject({
      kind: 'InputUnavailable',
      message: expect.stringMatching(/not there whole/),
    })
  })

  it.each([401, 403, 404, 410])('with %i is not asked again', async (status) => {
    const { url, ca, requests } = await sourceServer((_, res) => res.writeHead(status).end())
    const { taken } = await fetchInto({ from: `${url}/x` }, { ca: ca.pem })
    expect(taken).toMatchObject({ kind: 'InputUnavailable', message: `${url}/x: it answered ${status}` })
    expect(requests).toHaveLength(1)
  })

  it('is left out if it is optional', async () => {
    const { url, ca } = await sourceServer((_, res) => res.writeHead(404).end())
    const { taken, directory } = await fetchInto({ from: `${url}/x`, optional: true }, { ca: ca.pem })
    expect(taken).toBe(undefined)
    expect(readdirSync(directory)).not.toContain('file')
  })

  it('has another SHA-256 than the request says, though it is optional', async () => {
    const { url, ca } = await sourceServer(serve(Buffer.from('x'), undefined))
    const line = { from: `${url}/x`, sha256: sha256(Buffer.from('y')), optional: true }
    const { taken, directory } = await fetchInto(line, { ca: ca.pem })
    expect(taken).toMatchObject({
      kind: 'InputInvalid',
      message: expect.stringContaining(`${url}/x: its SHA-256`),
    })
    expect(readdirSync(directory)).not.toContain('file')
  })
})
