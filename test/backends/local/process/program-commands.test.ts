import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { uploaderCommand } from '../../../../src/backends/local/process/program-commands.ts'
import { temporaryFolder } from '../../../support/files/temporary-folder.ts'

it('finds the program among the sources', () => {
  const root = join(import.meta.dirname, '../../../..')
  const module = pathToFileURL(join(root, 'src/backends/local/local-backend.ts')).href
  expect(uploaderCommand('/bin/node', module)).toEqual([
    'sh',
    join(root, 'sidecar/supervise.sh'),
    '/bin/node',
    join(root, 'sidecar/main.ts'),
  ])
})

it.each(['server.js', 'chunks/backend-1234.js'])(
  'finds the program beside or above a bundle: %s',
  async (module) => {
    const folder = temporaryFolder()
    await mkdir(join(folder, 'chunks'))
    for (const name of ['supervise.sh', 'uploader.js']) await writeFile(join(folder, name), '')
    expect(uploaderCommand('/bin/node', pathToFileURL(join(folder, module)).href)).toEqual([
      'sh',
      join(folder, 'supervise.sh'),
      '/bin/node',
      join(folder, 'uploader.js'),
    ])
  },
)

it('names the folder in which the program is missing', async () => {
  const module = pathToFileURL(join(temporaryFolder(), 'server.js')).href
  expect(() => uploaderCommand('/bin/node', module)).toThrow('server.js')
})
