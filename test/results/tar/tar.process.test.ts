import { execFile } from 'node:child_process'
import { lstat, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Entry, pathFields, targetFields } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { tarHeader } from '../../../src/result-format/tar-header.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { attempt, job } from '../../result-format/fixtures.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { layouts } from '../packed.ts'
import { putFile, serve } from '../served.ts'

const run = promisify(execFile)

const long = `${'d'.repeat(200)}/${'e'.repeat(200)}`
const names: (string | Buffer)[] = [
  'a.txt',
  'a/b',
  'a-/c',
  'ends with space ',
  ' ',
  'line\nend',
  'tab\t"quote"\\back',
  '100%#?&+=*',
  '-dash',
  '~tilde',
  'ü/日本語/😀',
  'x'.repeat(100),
  'y'.repeat(101),
  'n'.repeat(255),
  long,
  `${'ü'.repeat(60)}`,
  Buffer.from([0x62, 0xff, 0x80]),
  Buffer.concat([Buffer.alloc(150, 'l'), Buffer.from([0xfe])]),
]

async function everything(store: ArtifactStore): Promise<Entry[]> {
  const files = names.map((name, i) =>
    putFile(store, name, `content ${i} `.repeat(i * 50), { mode: i % 2 ? '0600' : '0755' }),
  )
  const directory = (path: string | Buffer, mode = '0755'): Entry => {
    return {
      ...pathFields(Buffer.from(path)),
      type: 'directory',
      mode,
      mtime: '2020-02-03T04:05:06.500000000Z',
    }
  }
  const link = (path: string, target: string | Buffer): Entry => {
    return {
      path,
      type: 'symlink',
      mode: '0777',
      mtime: '2021-01-01T00:00:00.000000001Z',
      ...targetFields(Buffer.from(target)),
    }
  }
  return [
    ...(await Promise.all(files)),
    await putFile(store, 'big', Buffer.alloc(700_001, 'big')),
    await putFile(store, 'none', ''),
    await putFile(store, 'old', 'old', { mtime: '1969-12-31T23:59:58.250000000Z' }),
    await putFile(store, 'later', 'later', { mtime: '2300-01-01T00:00:00.000000001Z' }),
    directory('a', '0555'),
    directory('a-'),
    directory('hollow', '0700'),
    directory('ü'),
    directory('ü/日本語'),
    directory('d'.repeat(200)),
    link('link', 'a.txt'),
    link('dangling', '../nowhere'),
    link('farlink', `${long}/ü`),
    link('rawlink', Buffer.from([0xff, 0x2f, 0x61])),
    link('longrawlink', Buffer.concat([Buffer.alloc(120, 'r'), Buffer.from([0xff])])),
    { path: 'pipe', type: 'skipped', error: 'fifo' },
    { path: 'unread', type: 'file', size: 7, error: 'EACCES' },
  ]
}

async function temporary(): Promise<string> {
  const directory = temporaryFolder()
  return directory
}

/** The entries of a folder: path in hex → type, mode, mtime in ns, and size or target. */
async function inventory(root: string): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  const walk = async (relative: Buffer): Promise<void> => {
    for (const name of await readdir(Buffer.concat([Buffer.from(`${root}/`), relative]), {
      encoding: 'buffer',
    })) {
      const path = relative.length === 0 ? name : Buffer.concat([relative, Buffer.from('/'), name])
      const absolute = Buffer.concat([Buffer.from(`${root}/`), path])
      const stats = await lstat(absolute, { bigint: true })
      const common = { mode: Number(stats.mode) & 0o7777, mtime: stats.mtimeNs }
      if (stats.isDirectory()) {
        found.set(path.toString('hex'), { type: 'directory', ...common })
        await walk(path)
      } else if (stats.isSymbolicLink()) {
        const target = (await readlink(absolute, { encoding: 'buffer' })).toString('hex')
        found.set(path.toString('hex'), { type: 'symlink', ...common, target })
      } else {
        found.set(path.toString('hex'), { type: 'file', ...common, size: Number(stats.size) })
      }
    }
  }
  await walk(Buffer.alloc(0))
  return found
}

const nanoseconds = (mtime = '') =>
  BigInt(Date.parse(`${mtime.slice(0, 19)}Z`)) * 1_000_000n + BigInt(mtime.slice(20, 29))

function expected(entries: readonly Entry[]): Map<string, unknown> {
  const hex = (text: string | undefined, base64: string | undefined) =>
    (text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text)).toString('hex')
  return new Map(
    entries
      .filter((e) => e.type !== 'skipped' && e.error === undefined)
      .map((e) => {
        const common = { type: e.type, mode: Number.parseInt(e.mode ?? '', 8), mtime: nanoseconds(e.mtime) }
        const own =
          e.type === 'file'
            ? { size: e.size }
            : e.type === 'symlink'
              ? { target: hex(e.target, e.target_base64) }
              : {}
        return [hex(e.path, e.path_base64), { ...common, ...own }]
      }),
  )
}

async function downloaded(kind: (typeof layouts)[number]): Promise<{ tar: string; entries: Entry[] }> {
  let entries: Entry[] = []
  const { url } = await serve(
    async (store) => {
      entries = await everything(store)
      return [...entries]
    },
    { kind },
  )
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/x-tar',
    'content-disposition': `attachment; filename=${job}.tar`,
    'jobferry-result-state': 'partial',
  })
  const tar = join(await temporary(), 'result.tar')
  await writeFile(tar, Buffer.from(await response.arrayBuffer()))
  return { tar, entries }
}

const withoutImplied = (found: Map<string, unknown>, wanted: Map<string, unknown>) =>
  new Map([...found].filter(([path]) => wanted.has(path)))

describe('GET /job/:id/result', () => {
  it.each(layouts)(
    'is a tar of %s that GNU tar unpacks to the same names, modes, times, links and folders',
    async (kind) => {
      const { tar, entries } = await downloaded(kind)
      const target = await temporary()
      const { stderr } = await run('tar', ['-xpf', tar, '-C', target])
      expect(stderr).not.toMatch(/Skipping|malformed|Cannot/i)
      const found = await inventory(target)
      const wanted = expected(entries)
      expect(withoutImplied(found, wanted)).toEqual(wanted)
      expect(await readFile(join(target, 'big'))).toEqual(Buffer.alloc(700_001, 'big'))
      expect(await readFile(join(target, 'ü/日本語/😀'), 'utf8')).toBe(`content 10 `.repeat(500))
    },
  )

  it.each(layouts)("is a tar of %s that Python's tarfile unpacks to the same", async (kind) => {
    const { tar, entries } = await downloaded(kind)
    const target = await temporary()
    const script = 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])'
    await run('python3', ['-W', 'ignore', '-X', 'utf8', '-c', script, tar, target])
    const found = await inventory(target)
    const wanted = expected(entries)
    expect([...found.keys()].filter((path) => wanted.has(path)).sort()).toEqual([...wanted.keys()].sort())
    for (const [path, entry] of wanted) {
      // Python's floating-point times lose nanoseconds.
      const { mtime: _, ...rest } = entry as { mtime: bigint; type: string; mode: number }
      expect(found.get(path)).toMatchObject(rest)
    }
  })

  it('counts the digits of a PAX record in its length', () => {
    for (let length = 80; length < 1100; length += 1) {
      const header = tarHeader({
        path: Buffer.alloc(length, 'ü'),
        type: 'file',
        size: 0,
        mode: 0o644,
        mtime: { seconds: 0, nanoseconds: 0 },
      })
      const record = /^(\d+) path=[^\n]*\n/.exec(header.toString('latin1', 512))
      if (length % 2 === 0) expect(record?.[0].length).toBe(Number(record?.[1]))
    }
  })

  it('has the size of a file of more than 8 GiB in a PAX record', () => {
    const size = 9 * 1024 ** 3
    const header = tarHeader({
      path: Buffer.from('x'),
      type: 'file',
      size,
      mode: 0o644,
      mtime: { seconds: 1, nanoseconds: 0 },
    })
    expect(header.toString('latin1')).toContain(`size=${size}\n`)
  })

  it('answers HEAD with headers alone', async () => {
    const { url } = await serve(everything)
    const response = await fetch(url, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-tar'])
  })

  it('is aborted, never ended, if a file in it is damaged', async () => {
    const { url, store, logged } = await serve(everything)
    await store.put(jobKeys.file(job, attempt, 'ü/日本語/😀'), Buffer.from('other'))
    const response = await fetch(url)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
    expect(logged.join('')).toContain('😀')
  })

  it('is an empty archive if there are no entries', async () => {
    const { url } = await serve(async () => [])
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
    expect(bytes).toEqual(Buffer.alloc(1024))
  })

  it('counts downloads and their bytes in the metrics', async () => {
    const { url, services } = await serve(async (store) => [await putFile(store, 'f', '12345')])
    await (await fetch(`${url}?file=f`)).text()
    await (await fetch(`${url}?file=f`, { method: 'HEAD' })).text()
    const bytes = (await (await fetch(url)).arrayBuffer()).byteLength
    await expect
      .poll(async () => (await services.metrics.expose()).body)
      .toContain(`jobferry_download_bytes_total{kind="tar"} ${bytes}`)
    const { body } = await services.metrics.expose()
    expect(body).toContain('jobferry_downloads_total{kind="file"} 1')
    expect(body).toContain('jobferry_download_bytes_total{kind="file"} 5')
  })
})
