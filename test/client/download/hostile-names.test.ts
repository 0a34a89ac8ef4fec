import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Entry, Jobferry } from '../../../src/client/index.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { listenForTest } from '../../support/listen.ts'

const content = Buffer.from('content')
const sha256 = createHash('sha256').update(content).digest('hex')

it('nothing of a hostile server leaves the folder, and each other file is there', async () => {
  const outside = temporaryFolder()
  const files = [
    '../up',
    '/etc/absolute',
    'a/../../b',
    './dot',
    '.jobferry/result.ndjson',
    'plain',
    'co:lon',
    'i/j',
  ]
  const links = [
    { path: 'out', target: outside },
    { path: 'up-link', target: '../..' },
    { path: 'a1/b1/s', target: '../..' },
    { path: 'a1/b1/e', target: 's/../x' },
    { path: 'inside', target: 'plain' },
  ]
  const { folder, done } = await downloaded([
    ...files.map((path) => file(path)),
    ...links.map((link): Entry => ({ type: 'symlink', ...link })),
    { ...file('setuid'), mode: '6755' },
  ])
  expect(readdirSync(join(folder, '..'))).toEqual(['got'])
  expect(pathsIn(folder)).toEqual([
    ...[
      '%2E',
      '%2E%2E',
      '%2E%2E/up',
      '%2E/dot',
      '%2Ejobferry',
      '%2Ejobferry/result.ndjson',
      '%2F',
      '%2F/etc',
    ],
    ...['%2F/etc/absolute', '.jobferry', '.jobferry/result.ndjson', 'a', 'a/%2E%2E', 'a/%2E%2E/%2E%2E'],
    ...['a/%2E%2E/%2E%2E/b', 'a1', 'a1/b1', 'a1/b1/s', 'co:lon', 'i', 'i/j', 'inside', 'plain', 'setuid'],
  ])
  expect(done.absent.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
    ...['out unsafe', 'up-link unsafe', 'a1/b1/e unsafe'],
  ])
  expect(readFileSync(join(folder, 'inside'), 'utf8')).toBe('content')
  expect(statSync(join(folder, 'setuid')).mode & 0o7777).toBe(0o755)
})

it('a link that lies in the folder is not followed', async () => {
  const outside = temporaryFolder()
  const folder = join(temporaryFolder(), 'got')
  mkdirSync(folder)
  symlinkSync(outside, join(folder, 'sub'))
  await expect(downloaded([file('sub/x')], folder)).rejects.toThrow('is in the way: it is no folder')
  expect(readdirSync(outside)).toEqual([])
})

it('a link in the place of a file is replaced, and what it leads to stays', async () => {
  const outside = join(temporaryFolder(), 'kept')
  writeFileSync(outside, 'kept')
  const folder = join(temporaryFolder(), 'got')
  mkdirSync(folder)
  symlinkSync(outside, join(folder, 'x'))
  await downloaded([file('x')], folder)
  expect([readFileSync(outside, 'utf8'), readFileSync(join(folder, 'x'), 'utf8')]).toEqual([
    'kept',
    'content',
  ])
})

it('a name that is not UTF-8 keeps its bytes', async () => {
  const path_base64 = Buffer.from([0x61, 0xff, 0x62]).toString('base64')
  const { folder } = await downloaded([{ ...file(''), path_base64 }])
  const names = readdirSync(folder, { encoding: 'buffer' }).map((name) => name.toString('base64'))
  expect(names).toContain(path_base64)
})

/** All paths in a folder; links are not followed. */
function pathsIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  const below = entries.flatMap((entry) => {
    const inside = entry.isDirectory() ? pathsIn(join(folder, entry.name)) : []
    return [entry.name, ...inside.map((path) => join(entry.name, path))]
  })
  return below.toSorted()
}

function file(path: string): Entry {
  return {
    type: 'file',
    path,
    size: content.length,
    sha256,
    mode: '0644',
    mtime: '2026-11-21T06:00:00.123456789Z',
  }
}

/** Downloads what a server lists that has no manners. */
async function downloaded(entries: Entry[], folder = join(temporaryFolder(), 'got')) {
  const server = createServer((req, res) => {
    if (req.url?.includes('/list')) res.end(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    else res.setHeader('etag', `"${sha256}"`).end(content)
  })
  const client = new Jobferry({ server: await listenForTest(server) })
  return { folder, done: await client.download('00000000-0000-4000-8000-000000000000', folder) }
}
