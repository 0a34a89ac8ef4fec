import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/files/temporary-folder.ts'
import { folderEntry, linkEntry, putFile, serve } from './served.ts'

const run = promisify(execFile)

async function served(): Promise<string> {
  const { url } = await serve(async (store) => [
    await putFile(store, 'real/deep/f.txt', 'deep'),
    await putFile(store, 'real/deep/g.txt', 'beside'),
    await putFile(store, 'plain.txt', 'plain'),
    folderEntry('real'),
    folderEntry('real/deep'),
    linkEntry('dlink', 'real'),
    linkEntry('first', 'second/deep'),
    linkEntry('second', './real'),
    linkEntry('link.txt', 'plain.txt'),
    linkEntry('real/deep/up.txt', '../../plain.txt'),
    linkEntry('circle', 'circle/x'),
    linkEntry('outside', '../real'),
    linkEntry('absolute', '/real'),
    { path: 'real/unread', type: 'file', size: 7, error: 'EACCES' },
  ])
  return url
}

const asked = (paths: readonly string[]) => paths.map((path) => `&file=${path}`).join('')

/** The folder where an archive of these paths is unpacked. */
async function unpacked(format: 'tar' | 'zip', paths: readonly string[]): Promise<string> {
  const answer = await fetch(`${await served()}?format=${format}${asked(paths)}`)
  expect(answer.status).toBe(200)
  const at = temporaryFolder()
  const archive = join(temporaryFolder(), 'archive')
  await writeFile(archive, Buffer.from(await answer.arrayBuffer()))
  if (format === 'tar') await run('tar', ['-xf', archive, '-C', at])
  else await run('unzip', ['-q', archive, '-d', at])
  return at
}

/** Paths, links with their targets. */
async function contentsOf(root: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const shown = path.slice(root.length + 1)
    if (entry.isSymbolicLink()) found.push(`${shown} -> ${await readlink(path)}`)
    else if (entry.isFile()) found.push(shown)
  }
  return found.toSorted()
}

describe.each(['tar', 'zip'] as const)('a %s of files through links', (format) => {
  it.each<[paths: string[], contents: string[]]>([
    [['dlink/deep/f.txt'], ['dlink -> real', 'real/deep/f.txt']],
    [['first/f.txt'], ['first -> second/deep', 'real/deep/f.txt', 'second -> ./real']],
    [
      ['dlink/deep/f.txt', 'real/deep/f.txt', 'dlink'],
      ['dlink -> real', 'real/deep/f.txt'],
    ],
    [
      ['first/up.txt'],
      ['first -> second/deep', 'plain.txt', 'real/deep/up.txt -> ../../plain.txt', 'second -> ./real'],
    ],
    [
      ['dlink/deep'],
      ['dlink -> real', 'real/deep/f.txt', 'real/deep/g.txt', 'real/deep/up.txt -> ../../plain.txt'],
    ],
    [
      ['link.txt', 'dlink/deep/g.txt'],
      ['dlink -> real', 'link.txt -> plain.txt', 'real/deep/g.txt'],
    ],
  ])('opens at %j once it is unpacked', async (paths, contents) => {
    const at = await unpacked(format, paths)
    expect(await contentsOf(at)).toEqual(contents)
    for (const path of paths.filter((path) => path.endsWith('/f.txt')))
      expect(await readFile(join(at, path), 'utf8')).toBe('deep')
  })
})

it('resolves each of several files as it resolves one', async () => {
  const answer = await fetch(`${await served()}?file=link.txt&file=dlink/deep/f.txt`)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/x-tar')
})

it.each([
  ['dlink/nothing', 404],
  ['plain.txt/x', 404],
  ['outside/deep/f.txt', 404],
  ['absolute/deep/f.txt', 404],
  ['dlink/', 404],
  ['circle/f.txt', 409],
  ['dlink/unread', 409],
])('puts nothing into an archive for %s, which opens no file', async (path, status) => {
  const answer = await fetch(`${await served()}?file=plain.txt&file=${path}`)
  expect(answer.status).toBe(status)
  expect(await answer.json()).toMatchObject({ errors: [{ field: 'file' }] })
})
