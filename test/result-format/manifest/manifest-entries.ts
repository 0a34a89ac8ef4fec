import { type Entry, pathFields } from '../../../src/result-format/entry.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import type { ManifestHead } from '../../../src/result-format/manifest/manifest.ts'
import { writeManifest } from '../../../src/result-format/manifest/manifest-writer.ts'
import { each } from '../../support/each.ts'
import { attempt, collect, job } from '../fixtures.ts'

export const key = jobKeys.manifest(job, attempt)

export function entry(path: Uint8Array | string, size = 1): Entry {
  return {
    ...pathFields(Buffer.from(path)),
    type: 'file',
    size,
    mode: '0644',
    key: 'k',
    sha256: 'x'.repeat(64),
  }
}

export function numbered(count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => entry(`f${String(i).padStart(7, '0')}`, i))
}

export async function bytesOf(head: ManifestHead, entries: Iterable<Entry>): Promise<Buffer> {
  return Buffer.concat(await collect(writeManifest(head, each(entries))))
}
