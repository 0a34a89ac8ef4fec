import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { writeCheckpoint } from '../../src/result-format/checkpoint/checkpoint.ts'
import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type {
  CheckpointHead,
  CheckpointLine,
  ManifestHead,
} from '../../src/result-format/manifest/manifest.ts'
import { writeManifest } from '../../src/result-format/manifest/manifest-writer.ts'
import { addToTally, emptyTally } from '../../src/result-format/tally.ts'
import { createFolderStore } from '../../src/store/folder/folder.ts'
import { putStream } from '../../src/store/put-stream.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { each } from '../support/each.ts'

export const job = '11111111-2222-8333-8444-555555555555'
export const attempt = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

/** A folder store that is removed after the test. */
export async function folderStore(): Promise<ArtifactStore & { directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'jobferry-test-'))
  const store = createFolderStore(directory)
  await store.prepare()
  onTestFinished(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })
  return { ...store, directory }
}

/** Records each get() in `gets` as `key offset+length[ if-match]`. */
export function recording<T extends ArtifactStore>(store: T): T & { gets: string[] } {
  const gets: string[] = []
  return {
    ...store,
    gets,
    get(key, options) {
      gets.push(
        `${key} ${options?.offset ?? 0}+${options?.length ?? ''}${options?.ifMatch ? ' if-match' : ''}`,
      )
      return store.get(key, options)
    },
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export function headFor(entries: Iterable<Entry>, more: Partial<ManifestHead> = {}): ManifestHead {
  const tally = emptyTally()
  for (const entry of entries) addToTally(tally, entry)
  return { version: 1, job, attempt, scan_started_at: '2026-01-02T03:04:05.678Z', ...tally, ...more }
}

export async function putManifest(store: ArtifactStore, entries: readonly Entry[]): Promise<string> {
  const key = jobKeys.manifest(job, attempt)
  await putStream(store, key, writeManifest(headFor(entries), each(entries)))
  return key
}

export async function putCheckpoint(
  store: ArtifactStore,
  number: number,
  lines: readonly CheckpointLine[],
  more: Partial<CheckpointHead> = {},
): Promise<string> {
  const scan_started_at = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString()
  const head: CheckpointHead = { version: 1, job, attempt, number, scan_started_at, uploads: [], ...more }
  const key = jobKeys.checkpoint(job, attempt, number)
  await putStream(store, key, writeCheckpoint(head, each(lines)))
  return key
}
