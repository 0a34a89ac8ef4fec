import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import type { ArtifactStore, PresignOptions } from '../../../src/store/store.ts'
import { attempt, job, recording } from '../../result-format/fixtures.ts'
import { putFile, serve } from '../served.ts'

const bytes = 'hello, world\n'
const sha256 = createHash('sha256').update(bytes).digest()

async function typical(store: ArtifactStore): Promise<Entry[]> {
  const packed = await putFile(store, 'packed.txt', bytes)
  return [
    await putFile(store, 'hello.txt', bytes),
    await putFile(store, 'plot.svg', '<svg/>'),
    { ...packed, offset: 0 },
    await putFile(store, 'changed.txt', bytes),
    { path: 'folder', type: 'directory', mode: '0755' },
  ]
}

/** Serves results from a folder store with presigned URLs; `asked` records each presign(). */
async function served() {
  const asked: PresignOptions[] = []
  let gets: string[] = []
  const faults = (store: ArtifactStore) => {
    const recorded = recording(store)
    gets = recorded.gets
    return {
      ...recorded,
      presign: async (key: string, options: PresignOptions) => {
        asked.push(options)
        return `https://files.example.org/${key}`
      },
    }
  }
  const { url, store } = await serve(typical, { faults })
  const get = (query: string, init: RequestInit = {}) =>
    fetch(`${url}?${query}`, { redirect: 'manual', ...init })
  return { get, asked, store, gets: () => gets.filter((key) => key.includes('/files/')) }
}

describe('GET /job/:id/result?file=&redirect=true', () => {
  it("redirects to the file's presigned URL, with the file's ETag and digest, and reads its first bytes once", async () => {
    const { get, asked, gets } = await served()
    const answer = await get('file=hello.txt&redirect=true')
    expect(answer.status).toBe(307)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      location: `https://files.example.org/${jobKeys.file(job, attempt, 'hello.txt')}`,
      etag: `"${sha256.toString('hex')}"`,
      'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
      'cache-control': 'no-store',
      'content-length': '0',
      'jobferry-result-state': 'partial',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining('sandbox'),
    })
    expect(answer.headers.has('content-disposition')).toBe(false)
    expect(asked).toEqual([
      {
        method: 'GET',
        expiresSeconds: 300,
        contentType: 'text/plain; charset=utf-8',
        contentDisposition: 'inline; filename=hello.txt',
      },
    ])
    const key = jobKeys.file(job, attempt, 'hello.txt')
    expect(gets()).toEqual([expect.stringContaining(key)])
    await get('file=hello.txt&redirect=true')
    expect(gets()).toHaveLength(1)
  })

  it('redirects a HEAD to a URL for HEAD', async () => {
    const { get, asked } = await served()
    expect((await get('file=hello.txt&redirect=true', { method: 'HEAD' })).status).toBe(307)
    expect(asked.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it('has the store send an SVG as an attachment, because the store sets no sandbox', async () => {
    const { get, asked } = await served()
    await get('file=plot.svg&redirect=true')
    expect(asked.map(({ contentDisposition }) => contentDisposition)).toEqual([
      'attachment; filename=plot.svg',
    ])
    const own = await get('file=plot.svg')
    expect(own.headers.get('content-disposition')).toBe('inline; filename=plot.svg')
  })

  it.each([
    ['a file in a pack', 'file=packed.txt&redirect=true', {}],
    ['a read without redirect=true', 'file=hello.txt', {}],
    ['redirect=false', 'file=hello.txt&redirect=false', {}],
    ['If-Match', 'file=hello.txt&redirect=true', { 'if-match': `"${sha256.toString('hex')}"` }],
    [
      'If-Range',
      'file=hello.txt&redirect=true',
      { 'if-range': `"${sha256.toString('hex')}"`, range: 'bytes=0-' },
    ],
  ])('is answered by the API itself for %s', async (_what, query, headers) => {
    const { get, asked } = await served()
    const answer = await get(query, { headers })
    expect([200, 206]).toContain(answer.status)
    expect(await answer.text()).toBe(bytes)
    expect(asked).toEqual([])
  })

  it('is answered by the API itself if the store has no public endpoint', async () => {
    const { url } = await serve(typical)
    const answer = await fetch(`${url}?file=hello.txt&redirect=true`, { redirect: 'manual' })
    expect([answer.status, await answer.text()]).toEqual([200, bytes])
  })

  it('does not redirect to a changed or missing object', async () => {
    const { get, asked, store } = await served()
    await store.put(jobKeys.file(job, attempt, 'changed.txt'), Buffer.from('HELLO, WORLD\n'))
    expect((await get('file=changed.txt&redirect=true')).status).toBe(500)
    await store.remove([jobKeys.file(job, attempt, 'changed.txt')])
    expect((await get('file=changed.txt&redirect=true')).status).toBe(500)
    expect(asked).toEqual([])
  })

  it('is answered by the API itself for conditions, unsatisfiable ranges and wrong names', async () => {
    const { get, asked } = await served()
    const query = 'file=hello.txt&redirect=true'
    const etag = `"${sha256.toString('hex')}"`
    expect((await get(query, { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await get(query, { headers: { 'if-match': '"other"' } })).status).toBe(412)
    expect((await get(query, { headers: { range: 'bytes=99-' } })).status).toBe(416)
    expect((await get('file=none&redirect=true')).status).toBe(404)
    expect((await get('file=folder&redirect=true')).status).toBe(409)
    expect(asked).toEqual([])
    expect((await get(query, { headers: { range: 'bytes=1-2' } })).status).toBe(307)
  })

  it('has no effect on a tar; a value other than true or false is refused', async () => {
    const { get } = await served()
    expect((await get('redirect=true&file=hello.txt&format=tar')).status).toBe(200)
    const wrong = await get('file=hello.txt&redirect=yes')
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({
      errors: [{ field: 'redirect', problem: '"yes" is not allowed', expected: 'true or false' }],
    })
  })
})
