import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { attempt, job } from '../result-format/fixtures.ts'
import { layouts } from './packed.ts'
import { mtime, putFile, serve } from './served.ts'

const run = promisify(execFile)

async function tree(store: ArtifactStore): Promise<Entry[]> {
  const directory = (path: string): Entry => ({ path, type: 'directory', mode: '0755', mtime })
  return [
    directory('a'),
    await putFile(store, 'a.txt', 'beside'),
    await putFile(store, 'a/b', 'within'),
    directory('a/c'),
    await putFile(store, 'a/c/d', Buffer.alloc(200_000, 'deep')),
    await putFile(store, 'e', 'other'),
    { path: 'lost', type: 'file', size: 3, error: 'EIO' },
    await putFile(store, Buffer.from([0x7a, 0xff]), 'odd name'),
  ]
}

/** Names in a tar, as GNU tar lists them. */
async function names(tar: Uint8Array): Promise<string[]> {
  const listing = run('tar', ['-tf', '-', '--quoting-style=escape'])
  listing.child.stdin?.end(tar)
  return (await listing).stdout.split('\n').filter((line) => line !== '')
}

async function bytes(url: string): Promise<Buffer> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

describe.each(layouts)('format, layout %s:', (kind) => {
  it.each([
    ['tar', 'application/x-tar', (packed: Buffer) => packed],
    ['tar.gz', 'application/gzip', gunzipSync],
    ['tar.zst', 'application/zstd', zstdDecompressSync],
  ])('%s gives the same tar, as %s', async (format, type, unpack) => {
    const { url } = await serve(tree, { kind })
    const plain = await bytes(url)
    const response = await fetch(`${url}?format=${format}`)
    expect(response.headers.get('content-type')).toBe(type)
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename=${job}.${format}`)
    // With a Content-Encoding, a client's HTTP library would unpack the archive.
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(Buffer.compare(unpack(Buffer.from(await response.arrayBuffer())), plain)).toBe(0)
  })
})

describe('format', () => {
  it.each(['tar.gz', 'tar.zst'])('%s is aborted, never ended, if a file in it is damaged', async (format) => {
    const { url, store } = await serve(tree)
    await store.put(jobKeys.file(job, attempt, 'a/c/d'), Buffer.alloc(200_000, 'peed'))
    const response = await fetch(`${url}?format=${format}`).catch(() => undefined)
    if (response?.status === 200) await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    else expect(response?.status).toBe(500)
  })

  it('is refused if unknown', async () => {
    const { url } = await serve(tree)
    const response = await fetch(`${url}?format=rar`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      errors: [{ field: 'format', expected: 'one of tar, tar.gz, tar.zst, zip' }],
    })
  })
})

describe.each(layouts)('file, given several times or with a format, layout %s:', (kind) => {
  it.each([
    ['file=e&file=a.txt', ['a.txt', 'e']],
    ['file=e&format=tar', ['e']],
    ['file=a&format=tar', ['a/b', 'a/c/d', 'a/c/', 'a/']],
    ['file=a/c/d&file=a/c&file=a/c', ['a/c/d', 'a/c/']],
    ['file=a.txt&file=a', ['a/b', 'a/c/d', 'a/c/', 'a.txt', 'a/']],
    ['file=z%FF&file=e', ['e', 'z\\377']],
  ])(
    '%s is a tar of the named files, and of the named folders with their content',
    async (query, expected) => {
      const { url } = await serve(tree, { kind })
      expect((await names(await bytes(`${url}?${query}`))).toSorted()).toEqual(expected.toSorted())
    },
  )

  it('is 404 with every missing name, before the first byte', async () => {
    const { url } = await serve(tree, { kind })
    const response = await fetch(`${url}?file=e&file=gone&file=a/gone`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      errors: [
        { field: 'file', problem: '"a/gone" is not among the results' },
        { field: 'file', problem: '"gone" is not among the results' },
      ],
    })
  })

  it('is 404 for a path below a file', async () => {
    const { url } = await serve(tree, { kind })
    const response = await fetch(`${url}?file=e&file=e/x`)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('e/x')
  })

  it('is 409 with the error of a file that the uploader could not store', async () => {
    const { url } = await serve(tree, { kind })
    const response = await fetch(`${url}?file=e&file=lost`)
    expect(response.status).toBe(409)
    expect(await response.text()).toContain('EIO')
  })

  it('is 400 if empty', async () => {
    const { url } = await serve(tree, { kind })
    expect((await fetch(`${url}?file=e&file=`)).status).toBe(400)
  })
})
