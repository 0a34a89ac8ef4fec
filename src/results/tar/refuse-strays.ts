import type { Entry } from '../../result-format/entry.ts'
import { DamagedManifest } from '../../result-format/manifest/manifest-format.ts'
import { PathSequence } from '../../result-format/path-sequence.ts'

/**
 * The entries of the manifest `key`; throws DamagedManifest at one below a link or a file, which
 * would be unpacked where the link leads. No worker can leave both.
 */
export async function* refuseStrays(key: string, entries: AsyncIterable<Entry>): AsyncGenerator<Entry, void> {
  const sequence = new PathSequence()
  for await (const entry of entries) {
    if (sequence.next(entry).isBelowLeaf) {
      const path = JSON.stringify(entry.path ?? entry.path_base64)
      throw new DamagedManifest(key, `the path ${path} lies below a link or a file`)
    }
    yield entry
  }
}
