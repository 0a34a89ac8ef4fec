import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { attempt, job } from '../../result-format/fixtures.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { layouts } from '../packed.ts'
import { putFile, serve } from '../served.ts'

const run = promisify(execFile)
const large = Buffer.alloc(700_001, 'large')

async function tree(store: ArtifactStore): Promise<Entry[]> {
  const directory = (path: string, mode = '0755'): Entry => {
    return { path, type: 'directory', mode, mtime: '2020-02-03T04:05:06.500000000Z' }
  }
  return [
    directory('a', '0555'),
    await putFile(store, 'a.txt', 'beside'),
    await putFile(store, 'a/b', 'within', { mode: '0600' }),
    await putFile(store, 'a/large', large, { mode: '0750' }),
    await putFile(store, 'none', ''),
    directory('hollow', '0700'),
    directory('ü'),
    await putFile(store, 'ü/日本語 😀', 'odd name'),
    await putFile(store, '100%#?&+=*', 'signs', { mtime: '2024-01-31T23:59:58.999999999Z' }),
    await putFile(store, 'y'.repeat(255), 'long name'),
    { path: 'link', type: 'symlink', mode: '0777', mtime: '2021-01-01T00:00:00.000000001Z', target: 'a/b' },
    {
      path: 'dangling',
      type: 'symlink',
      mode: '0777',
      mtime: '2021-01-01T00:00:00.000000001Z',
      target: '../x',
    },
    { path: 'pipe', type: 'skipped', error: 'fifo' },
    { path: 'unread', type: 'file', size: 7, error: 'EACCES' },
  ]
}

/** The zip in a file, after its answer was checked. */
async function downloaded(url: string): Promise<string> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/zip')
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(Number(response.headers.get('content-length'))).toBe(bytes.length)
  const file = join(temporaryFolder(), 'result.zip')
  await writeFile(file, bytes)
  return file
}

async function inventory(root: string, under = ''): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const name of await readdir(join(root, under))) {
    const path = under === '' ? name : `${under}/${name}`
    const stats = await lstat(join(root, path))
    const common = { mode: stats.mode & 0o777, seconds: Math.floor(stats.mtimeMs / 1000) }
    if (stats.isDirectory()) {
      found.set(path, { type: 'directory', ...common })
      for (const [below, facts] of await inventory(root, path)) found.set(below, facts)
    } else if (stats.isSymbolicLink()) {
      found.set(path, { type: 'symlink', target: await readlink(join(root, path)) })
    } else {
      found.set(path, { type: 'file', ...common, size: stats.size })
    }
  }
  return found
}

function expected(entries: readonly Entry[]): Map<string, unknown> {
  const stored = entries.filter((entry) => entry.type !== 'skipped' && entry.error === undefined)
  return new Map(
    stored.map(({ path = '', type, mode = '', mtime = '', size, target }): [string, unknown] => {
      if (type === 'symlink') return [path, { type, target }]
      const seconds = Date.parse(`${mtime.slice(0, 19)}Z`) / 1000
      const common = { type, mode: Number.parseInt(mode, 8), seconds }
      return [path, type === 'file' ? { ...common, size } : common]
    }),
  )
}

async function python(script: string, ...args: string[]): Promise<string> {
  return (await run('python3', ['-X', 'utf8', '-c', script, ...args], { maxBuffer: 2 ** 26 })).stdout
}

/** Both take names for ASCII in the locale of a bare machine. */
const locale = { env: { ...process.env, LC_ALL: 'C.UTF-8' } }

describe.each(layouts)('GET /job/:id/result?format=zip, layout %s:', (kind) => {
  async function served() {
    let entries: Entry[] = []
    const { url } = await serve(
      async (store) => {
        entries = await tree(store)
        return [...entries]
      },
      { kind },
    )
    return { url: `${url}?format=zip`, entries }
  }

  it.each([
    ['unzip', (zip: string, into: string) => run('unzip', ['-q', zip, '-d', into], locale)],
    ['bsdtar', (zip: string, into: string) => run('bsdtar', ['-xpf', zip, '-C', into], locale)],
  ])('is a zip that %s unpacks to the same names, modes, times and links', async (_, unpack) => {
    const { url, entries } = await served()
    const into = temporaryFolder()
    await unpack(await downloaded(url), into)
    expect(await inventory(into)).toEqual(expected(entries))
    expect((await readFile(join(into, 'a/large'))).equals(large)).toBe(true)
    expect(await readFile(join(into, 'ü/日本語 😀'), 'utf8')).toBe('odd name')
  })

  it("is a zip whose names, sizes, links and CRCs Python's zipfile confirms", async () => {
    const { url, entries } = await served()
    const script = `
import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({i.filename.rstrip('/'): [oct(i.external_attr >> 16), i.file_size] for i in z.infolist()}))`
    const found = JSON.parse(await python(script, await downloaded(url))) as Record<string, unknown>
    expect(Object.keys(found).toSorted()).toEqual([...expected(entries).keys()].toSorted())
    expect(found).toMatchObject({
      link: ['0o120777', 3],
      a: ['0o40555', 0],
      'a/large': ['0o100750', large.length],
      none: ['0o100644', 0],
    })
  })

  it('has the selected files alone, folders with their content', async () => {
    const { url } = await served()
    const zip = await downloaded(`${url}&file=a&file=none&file=a/b`)
    const script = 'import sys, zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))'
    expect((await python(script, zip)).trim().split('\n')).toEqual(['a/', 'a/b', 'a/large', 'none'])
  })
})

describe('GET /job/:id/result?format=zip', () => {
  it('is cut off, never ended, if a file in it is damaged', async () => {
    const { url, store, logged } = await serve(tree)
    await store.put(jobKeys.file(job, attempt, 'ü/日本語 😀'), Buffer.from('even mad'))
    const response = await fetch(`${url}?format=zip`)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(logged.join('')).toContain('😀')
  })

  it('answers HEAD with the length of the zip', async () => {
    const { url } = await serve(tree)
    const zip = await (await fetch(`${url}?format=zip`)).arrayBuffer()
    const head = await fetch(`${url}?format=zip`, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe(String(zip.byteLength))
    expect(head.headers.get('content-disposition')).toBe(`attachment; filename=${job}.zip`)
  })

  it('is an empty zip if there are no entries', async () => {
    const { url } = await serve(async () => [])
    const script = 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).namelist())'
    expect((await python(script, await downloaded(`${url}?format=zip`))).trim()).toBe('[]')
  })

  it('names what no zip can hold before the first byte, unless other files are selected', async () => {
    const names = [Buffer.from([0x7a, 0xff]), Buffer.from('back\\slash'), Buffer.from('good')]
    const { url } = await serve((store) => Promise.all(names.map((name) => putFile(store, name, 'x'))))
    const response = await fetch(`${url}?format=zip`)
    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({
      type: 'urn:jobferry:error:not-a-readable-file',
      errors: [
        { field: 'format', problem: expect.stringMatching(/back.*slash.* backslash/) },
        { field: 'format', problem: expect.stringContaining('is not UTF-8') },
      ],
    })
    await downloaded(`${url}?format=zip&file=good`)
  })

  it('holds more than 65,535 entries', async () => {
    const mtime = '2020-02-03T04:05:06.500000000Z'
    const directory = (i: number): Entry => ({ path: `d${i}`, type: 'directory', mode: '0755', mtime })
    const { url } = await serve(async (store) => [
      ...Array.from({ length: 65_600 }, (_, i) => directory(i)),
      await putFile(store, 'z', 'last'),
    ])
    const zip = await downloaded(`${url}?format=zip`)
    const script = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(len(z.namelist()), z.read('z').decode())`
    expect((await python(script, zip)).trim()).toBe('65601 last')
    expect((await run('unzip', ['-p', zip, 'z'])).stdout).toBe('last')
  })
})
