import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { writeCheckpoint } from '../../src/result-format/checkpoint/checkpoint.ts'
import type { Entry } from '../../src/result-format/entry.ts'
import type { CheckpointLine } from '../../src/result-format/manifest/manifest.ts'
import { writeManifest } from '../../src/result-format/manifest/manifest-writer.ts'
import { collect } from '../result-format/fixtures.ts'
import { each } from '../support/each.ts'
import { type Captured, withCrc32 } from '../support/store/hostile-proxy.ts'

/* What somebody on the way to the store makes of the uploader's requests, without its key. */

export const right = 'right '.repeat(20)
export const wrong = 'wrong '.repeat(20)

/** The file with other bytes of the same length, and the manifest with their digest. */
export async function forgedResult(request: Captured): Promise<Buffer> {
  const { method, path, body } = request
  if (method !== 'PUT') return body
  if (kindOf(path) === 'file' && String(body) === right) {
    return withCrc32(
      Buffer.from(wrong),
      crc32(body),
      Array.from({ length: 64 }, (_, place) => place),
    )
  }
  return await forgedManifest(request)
}

/** All digests fit the forged entries; the CRC32 is corrected in spaces of the last line. */
export async function forgedCheckpoint(request: Captured): Promise<Buffer> {
  const { body } = request
  if (!isCheckpoint(request)) return body
  const [head, ...rest] = String(body)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const lines: CheckpointLine[] = rest.filter(({ end }) => end !== true)
  const entries = lines.map((line) => ({ ...line, sha256: sha256(wrong) }))
  const written = String(Buffer.concat(await collect(writeCheckpoint(head, each(entries)))))
  const forged = Buffer.from(written.replace(/\}\n$/, `${' '.repeat(64)}}\n`))
  const spaces = Array.from({ length: 64 }, (_, index) => forged.length - 3 - index)
  return withCrc32(forged, crc32(body), spaces, 0x20 ^ 0x09)
}

export function isCheckpoint({ method, path }: Captured): boolean {
  return method === 'PUT' && kindOf(path) === 'checkpoint'
}

export function forgedPart({ path, body }: Captured): Buffer {
  if (!path.includes('partNumber=2&')) return body
  const places = Array.from({ length: 64 }, (_, place) => place)
  return withCrc32(Buffer.alloc(body.length, 'wrong'), crc32(body), places)
}

/**
 * All digests of the manifest fit the forged entries; its CRC32 is corrected in the spaces of the
 * foot.
 */
export async function forgedManifest({ method, path, body }: Captured): Promise<Buffer> {
  if (method !== 'PUT' || kindOf(path) !== 'manifest') return body
  const [head, ...rest] = String(body)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const entries: Entry[] = rest.filter(({ type }) => type !== undefined)
  const forged = Buffer.concat(
    await collect(writeManifest(head, each(entries.map((entry) => ({ ...entry, sha256: sha256(wrong) }))))),
  )
  const spaces = Array.from(forged.keys()).filter((at) => forged[at] === 0x20 && at > forged.length - 60)
  return withCrc32(forged, crc32(body), spaces, 0x20 ^ 0x09)
}

export function kindOf(path: string): string {
  if (path.includes('/manifest.ndjson')) return 'manifest'
  if (path.includes('/checkpoint/')) return 'checkpoint'
  if (path.includes('partNumber=')) return 'part'
  if (path.includes('uploadId=')) return 'completion'
  return path.includes('?uploads') ? 'upload' : 'file'
}

export function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
