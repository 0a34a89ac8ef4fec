import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { recording } from '../../result-format/fixtures.ts'
import { layouts } from '../packed.ts'
import { serve } from '../served.ts'
import { big, problemCode, typical } from './typical-result.ts'

describe.each(layouts)('GET /job/:id/result?file=, layout %s,', (kind) => {
  it("answers with the file's bytes and headers", async () => {
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

  it('encodes the file name by RFC 8187, and takes a bare name for no extension', async () => {
    const { url } = await serve(typical, { kind })
    const odd = await fetch(`${url}?file=a+b%2Bc%25%3F%23%26%C3%BC%0A.txt`)
    expect(odd.headers.get('content-disposition')).toContain(
      "filename*=UTF-8''a%20b%2Bc%25%3F%23%26%C3%BC%0A.txt",
    )
    const none = await fetch(`${url}?file=txt`)
    expect(none.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const html = await fetch(`${url}?file=page.html`)
    expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(html.headers.get('content-disposition')).toMatch(/^attachment/)
    expect((await fetch(`${url}?file=future`)).headers.has('last-modified')).toBe(false)
  })

  it('answers HEAD with the same headers, and reads no file from the store', async () => {
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

  it('answers 416 with the size for a range after the end', async () => {
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
  ])('answers file=%s with %d and the reason', async (file, status, word) => {
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
