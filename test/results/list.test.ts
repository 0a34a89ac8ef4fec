import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ResultList } from '../../src/results/list.ts'
import { readWhole } from '../../src/store/read-whole.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { attempt, job } from '../result-format/fixtures.ts'
import { putFile, serve } from './served.ts'

async function typical(store: ArtifactStore): Promise<Entry[]> {
  const many = Array.from({ length: 2500 }, (_, i): Entry => {
    return {
      path: `many/${String(i).padStart(5, '0')} ü`,
      type: 'file',
      size: 2,
      sha256: 's',
      key: 'k',
      etag: 'e',
    }
  })
  return [
    await putFile(store, 'hello.txt', 'hello'),
    await putFile(store, Buffer.from([0x7a, 0xff]), 'x'),
    { path: 'many', type: 'directory', mode: '0755' },
    ...many,
  ]
}

async function pages(first: string): Promise<ResultList[]> {
  const all: ResultList[] = []
  let next: string | null = first
  while (next !== null) {
    const page = (await (await fetch(new URL(next, first))).json()) as ResultList
    all.push(page)
    next = page.next
  }
  return all
}

describe('GET /job/:id/result/list', () => {
  it('gives the totals, and the entries without their keys in the store', async () => {
    const { url } = await serve(typical)
    const response = await fetch(`${url}/list?limit=2`)
    expect(response.headers.get('jobferry-result-state')).toBe('partial')
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toEqual({
      job_uuid: job,
      state: 'failed',
      result_state: 'partial',
      attempt: { number: 1, uid: attempt },
      count: 2503,
      bytes: 5006,
      files: [
        {
          path: 'hello.txt',
          type: 'file',
          size: 5,
          mode: '0644',
          mtime: '2025-01-02T03:04:05.123456789Z',
          sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
        },
        { path: 'many', type: 'directory', mode: '0755' },
      ],
      next: `/job/${job}/result/list?after=many&limit=2`,
    })
  })

  it.each([
    ['', 2503, 3],
    ['?limit=400', 2503, 7],
    ['?limit=10000', 2503, 1],
    ['?prefix=many/&limit=1250', 2500, 2],
    ['?prefix=many/000&limit=40', 100, 3],
    ['?prefix=z%FF', 1, 1],
    ['?prefix=nothing', 0, 1],
    ['?after=many/02498+%C3%BC', 2, 1],
    ['?prefix=many/&after=many/02498+%C3%BC', 1, 1],
  ])('gives every entry of %j once: %d in %d pages', async (query, entries, count) => {
    const { url } = await serve(typical)
    const all = await pages(`${url}/list${query}`)
    const names = all.flatMap((page) => page.files.map((file) => file.path ?? file.path_base64))
    expect(new Set(names).size).toBe(names.length)
    expect([names.length, all.length]).toEqual([entries, count])
  })

  it('gives a path of invalid UTF-8 in base64; file= accepts its bytes', async () => {
    const { url } = await serve(typical)
    const page = (await (await fetch(`${url}/list?prefix=z`)).json()) as ResultList
    expect(page.files[0]).toMatchObject({ path_base64: 'ev8=' })
    expect(await (await fetch(`${url}?file=z%FF`)).text()).toBe('x')
  })

  it('marks files that a read found damaged; with verify it checks the objects itself', async () => {
    const files = { short: 'abc', other: 'def', gone: 'ghi', good: 'jkl' }
    const { url, store, logged } = await serve((one) =>
      Promise.all(Object.entries(files).map(([path, content]) => putFile(one, path, content))),
    )
    const damaged = async (query = '') => {
      const { files: listed } = (await (await fetch(`${url}/list${query}`)).json()) as ResultList
      return Object.fromEntries(listed.flatMap(({ path, damage }) => (damage ? [[path, damage]] : [])))
    }
    await putFile(store, 'short', 'a')
    await putFile(store, 'other', 'xyz')
    await store.remove([jobKeys.file(job, attempt, 'gone')])
    expect(await damaged()).toEqual({})
    expect((await fetch(`${url}?file=gone`)).status).toBe(500)
    expect(await damaged()).toEqual({ gone: expect.stringContaining('gone from the store') })
    expect(Object.keys(await damaged('?verify=true&prefix=s'))).toEqual(['short'])
    expect(Object.keys(await damaged('?verify=true&limit=2'))).toEqual(['gone'])
    expect(Object.keys(await damaged('?verify=true'))).toEqual(['gone', 'other', 'short'])
    expect(logged.join('')).toContain('"other\\"')
    const lines = await fetch(`${url}/list?verify=true`, { headers: { Accept: 'application/x-ndjson' } })
    expect((await lines.text()).match(/"damage":/g)).toHaveLength(3)
    const next = (await (await fetch(`${url}/list?verify=true&limit=1`)).json()) as ResultList
    expect(next.next).toContain('verify=true')
  })

  it('links with PUBLIC_URL', async () => {
    const { url } = await serve(typical, { publicUrl: 'https://jobs.example' })
    const page = (await (await fetch(`${url}/list?limit=1`)).json()) as ResultList
    expect(page.next).toBe(`https://jobs.example/job/${job}/result/list?after=hello.txt&limit=1`)
  })

  it('streams all entries, or up to `limit`, as NDJSON if Accept prefers it', async () => {
    const { url } = await serve(typical)
    const lines = async (query: string, accept: string) => {
      const response = await fetch(`${url}/list${query}`, { headers: { Accept: accept } })
      expect(response.headers.get('content-type')).toBe('application/x-ndjson')
      expect(response.headers.get('vary')).toBe('Accept')
      return (await response.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    }
    const all = await lines('', 'application/x-ndjson')
    expect(all).toHaveLength(2503)
    expect(all.every((entry) => !('key' in entry) && !('etag' in entry))).toBe(true)
    expect(await lines('?limit=7', 'application/json;q=0.5, application/x-ndjson')).toHaveLength(7)
    expect(await lines('?prefix=many/&after=many/02400', 'application/x-ndjson')).toHaveLength(100)
    const json = await fetch(`${url}/list`, { headers: { Accept: 'application/x-ndjson;q=0.1, */*' } })
    expect(json.headers.get('content-type')).toContain('application/json')
  })

  it.each([
    ['limit=0', 'limit'],
    ['limit=10001', 'limit'],
    ['limit=1e3', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['after=%0', 'after'],
    ['prefix=%00', 'prefix'],
    ['verify=1', 'verify'],
    ['page=2', 'page'],
  ])('refuses %s and names the field', async (query, field) => {
    const { url } = await serve(typical)
    const response = await fetch(`${url}/list?${query}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ field }] })
  })

  it('has one line for each entry, wherever clients split lines, and so has the manifest', async () => {
    const names = ['a\u2028b', 'c\u2029d', 'e\u0085f', 'g\u000bh\u001ci']
    const { url, store } = await serve((made) => Promise.all(names.map((name) => putFile(made, name, name))))
    const answer = await fetch(`${url}/list`, { headers: { Accept: 'application/x-ndjson' } })
    const { bytes } = await readWhole(store, jobKeys.manifest(job, attempt))
    for (const text of [await answer.text(), bytes.toString()]) {
      // As Python's str.splitlines().
      // biome-ignore lint/suspicious/noControlCharactersInRegex: str.splitlines() ends lines at them
      const lines = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\u0085\u2028\u2029]/)
      const paths = lines.filter((line) => line !== '').map((line) => (JSON.parse(line) as Entry).path)
      expect(paths.filter((path) => path !== undefined && names.includes(path)).sort()).toEqual(
        text.startsWith('{"version"') ? [names[0], ...names].sort() : names.toSorted(),
      )
    }
  })

  it('answers HEAD, refuses other methods and unknown jobs', async () => {
    const { url } = await serve(typical)
    const head = await fetch(`${url}/list`, { method: 'HEAD', headers: { Accept: 'application/x-ndjson' } })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    expect((await fetch(`${url}/list`, { method: 'HEAD' })).status).toBe(200)
    const post = await fetch(`${url}/list`, { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await fetch(`${url.replace(job, job.replace('1', '0'))}/list`)).status).toBe(404)
  })
})
