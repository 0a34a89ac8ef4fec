import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFolderStore } from '../../../src/store/folder/folder.ts'
import { markerFile, newMarker } from '../../../src/store/folder/folder-root.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'

/** Makes an empty folder store, which is removed after the test. */
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

/** Makes the folder of a store as the API's start does; an uploader uses no other. */
export function preparedFolder(directory: string): string {
  mkdirSync(directory, { recursive: true })
  const marker = join(directory, markerFile)
  if (!existsSync(marker)) writeFileSync(marker, newMarker())
  return directory
}

/** All keys, in the store's order. */
export async function keysOf(store: ArtifactStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

/** Puts an object of one byte under each key, all in parallel. */
export async function putAll(store: ArtifactStore, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => store.put(key, Buffer.from('x'))))
}
