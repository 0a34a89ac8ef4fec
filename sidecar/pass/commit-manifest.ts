import type { Entry } from '../../src/result-format/entry.ts'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import type { ManifestHead } from '../../src/result-format/manifest/manifest.ts'
import { readEnds } from '../../src/result-format/manifest/manifest-ends.ts'
import { DamagedManifest, decodeFoot } from '../../src/result-format/manifest/manifest-format.ts'
import { writeManifest } from '../../src/result-format/manifest/manifest-writer.ts'
import { putStream } from '../../src/store/put-stream.ts'
import { type ArtifactStore, isPreconditionFailed, type WriteOptions } from '../../src/store/store.ts'
import { settledByApi } from '../store/superseded.ts'

/**
 * A replacement fails if the manifest was replaced meanwhile, as by a request whose answer was
 * lost.
 */
const maxTries = 3

/**
 * Writes the manifest, never without a condition: a request that was captured on its way can't
 * change a result later. Rejects with Superseded if the API has made one of checkpoints, which
 * stays. An older manifest of this uploader is replaced: a SIGTERM came before the worker's end.
 * Rejects with StoreError.
 */
export async function commitManifest(
  store: ArtifactStore,
  head: ManifestHead,
  entries: () => AsyncIterable<Entry>,
  signal: AbortSignal,
): Promise<void> {
  const key = jobKeys.manifest(head.job, head.attempt)
  let condition: WriteOptions = { ifAbsent: true }
  for (let tries = 1; ; tries += 1) {
    try {
      await putStream(store, key, writeManifest(head, entries()), { signal, ...condition })
      return
    } catch (error) {
      if (!isPreconditionFailed(error) || tries === maxTries) throw error
    }
    const present = await readPresent(store, key, signal)
    if (present?.isOfApi) throw settledByApi()
    // The answer to an earlier request was lost.
    if (present?.sha256 === (await digestOf(head, entries()))) return
    condition = present === undefined ? { ifAbsent: true } : { ifMatch: present.etag }
  }
}

interface Present {
  etag: string
  isOfApi: boolean
  /** Of all bytes before the foot; undefined if it is damaged. */
  sha256?: string
}

async function readPresent(
  store: ArtifactStore,
  key: string,
  signal: AbortSignal,
): Promise<Present | undefined> {
  try {
    const ends = await readEnds(store, key, signal)
    if (ends === undefined) return undefined
    return { etag: ends.etag, isOfApi: ends.head.checkpoint !== undefined, sha256: ends.foot.sha256 }
  } catch (error) {
    if (!(error instanceof DamagedManifest)) throw error
    const there = await store.head(key, signal)
    return there && { etag: there.etag, isOfApi: false }
  }
}

async function digestOf(head: ManifestHead, entries: AsyncIterable<Entry>): Promise<string> {
  let last: Uint8Array = Buffer.alloc(0)
  let size = 0
  for await (const chunk of writeManifest(head, entries)) {
    last = chunk
    size += chunk.length
  }
  return decodeFoot(head.job, last, size).sha256
}
