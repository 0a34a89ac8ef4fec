import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ManifestHead } from '../../src/result-format/manifest/manifest.ts'
import type { ArtifactStore, GetOptions } from '../../src/store/store.ts'
import { attempt, job } from './uploader-process.ts'

export interface StoredManifest {
  head: ManifestHead
  entries: Entry[]
}

/** Reads the manifest without the project's reader. */
export async function manifestOf(store: ArtifactStore): Promise<StoredManifest> {
  const lines = (await objectOf(store, jobKeys.manifest(job, attempt))).toString().trimEnd().split('\n')
  const [head, ...rest] = lines.map((line) => JSON.parse(line))
  return { head, entries: rest.filter((line) => line.type !== undefined) }
}

export async function objectOf(store: ArtifactStore, key: string, options?: GetOptions): Promise<Buffer> {
  const { stream } = await store.get(key, options)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function keysOf(
  store: ArtifactStore,
  prefix = jobKeys.attempt(job, attempt),
): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

export function isCheckpoint(key: string): boolean {
  return key.includes('/checkpoint/')
}
