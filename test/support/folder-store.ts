import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFolderStore } from '../../src/artifact/folder.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'

/** An empty folder store that is gone after the test. */
export async function folderStore(): Promise<ArtifactStore> {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-store-'))
  const store = createFolderStore(directory)
  await store.prepare()
  onTestFinished(async () => {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  })
  return store
}

/** All keys, in the store's order. */
export async function keysOf(store: ArtifactStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}
