import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFolderStore } from '../../src/artifact/folder.ts'
import { describeStore } from './store.conformance.ts'

describeStore('a folder', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'folder-store-'))
  return {
    store: createFolderStore(directory),
    dispose: () => rm(directory, { recursive: true }),
  }
})
