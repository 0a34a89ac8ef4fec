import type { Entry } from '../../src/artifact/entry.ts'
import { layout } from '../../src/artifact/layout.ts'
import type { ManifestHead } from '../../src/artifact/manifest.ts'
import { writeManifest } from '../../src/artifact/manifest-writer.ts'
import { putStream } from '../../src/artifact/put-stream.ts'
import { type ArtifactStore, isOccupied } from '../../src/artifact/store.ts'
import { isSettledByApi, settledByApi } from '../store/superseded.ts'

/**
 * Writes the manifest. One that the API made of checkpoints stands: throws Superseded. One of this uploader's own
 * is replaced: of a try whose answer got lost, or of a SIGTERM that came before the worker's end. Rejects with
 * StoreError.
 */
export async function commitManifest(
  store: ArtifactStore,
  head: ManifestHead,
  entries: () => AsyncIterable<Entry>,
  signal: AbortSignal,
): Promise<void> {
  const { job, attempt } = head
  const put = (ifAbsent: boolean) =>
    putStream(store, layout.manifest(job, attempt), writeManifest(head, entries()), { signal, ifAbsent })
  try {
    await put(true)
    return
  } catch (error) {
    if (!isOccupied(error)) throw error
  }
  if (await isSettledByApi(store, job, attempt, signal)) throw settledByApi()
  await put(false)
}
