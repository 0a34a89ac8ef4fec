import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeAnew } from '../../../../src/backends/local/files/write-anew.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

it('replaces a link and a folder in the place of the file, and leaves what the link shows', async () => {
  const folder = temporaryFolder()
  const [foreign, link, below] = ['foreign', 'link', 'below'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(foreign, 'foreign')
  await symlink(foreign, link)
  await mkdir(join(below, 'deeper'), { recursive: true })
  for (const path of [link, below, link]) {
    await writeAnew(path, 'own')
    expect(await readFile(path, 'utf8')).toBe('own')
    expect((await lstat(path)).isFile()).toBe(true)
    expect((await lstat(path)).mode & 0o777).toBe(0o600)
  }
  expect(await readFile(foreign, 'utf8')).toBe('foreign')
})
