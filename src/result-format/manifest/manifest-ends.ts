import { createHash } from 'node:crypto'
import { readWhole } from '../../store/read-whole.ts'
import { type ArtifactStore, isNotFound, StoreError } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import type { ManifestHead } from './manifest.ts'
import { DamagedManifest, decodeFoot, decodeHead, type Foot, footBytes } from './manifest-format.ts'

/** Size of the first read: it holds the index of about 500,000 entries with short paths. */
const tailBytes = 64 * 1024
const headBytes = 4096
/** Of a head that names a hundred inputs with long addresses. */
const longHeadBytes = 1024 * 1024

/** The parts at a manifest's beginning and end. */
export interface ManifestEnds {
  head: ManifestHead
  foot: Foot
  etag: string
  /** The index's bytes. */
  index: Buffer
}

/**
 * Reads a manifest's head, index and foot: with one request if it is small or absent, else with two
 * to four. Undefined if it does not exist. Rejects with DamagedManifest and StoreError.
 */
export async function readEnds(
  store: ArtifactStore,
  key: string,
  signal?: AbortSignal,
): Promise<ManifestEnds | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readEndsOnce(store, key, signal)
    } catch (error) {
      if (isNotFound(error)) return undefined
      const replaced = error instanceof StoreError && error.kind === 'precondition-failed'
      if (!replaced || attempt === 3) throw error
    }
  }
}

async function readEndsOnce(store: ArtifactStore, key: string, signal?: AbortSignal): Promise<ManifestEnds> {
  const abort = defined({ signal })
  const { etag, size, bytes: tail } = await readWhole(store, key, { offset: -tailBytes, ...abort })
  const tailStart = size - tail.length
  const foot = decodeFoot(key, tail.subarray(-footBytes), size)

  const whole = tailStart === 0
  if (whole && digestOf(tail.subarray(0, -footBytes)) !== foot.sha256) throw changed(key, 'it')
  let start = whole ? tail : await read({ offset: 0, length: headBytes })
  if (!whole && !start.includes('\n')) start = await read({ offset: 0, length: longHeadBytes })
  const lineEnd = start.indexOf('\n')
  if (lineEnd === -1) throw new DamagedManifest(key, 'it has no head')
  const head = decodeHead(key, start.toString('utf8', 0, lineEnd), ownerOf(key))

  const index = await readIndex()
  if (
    foot.ends_sha256 !== undefined &&
    digestOf(start.subarray(0, lineEnd + 1), index) !== foot.ends_sha256
  ) {
    throw changed(key, 'its head or its index')
  }
  return { head, foot, etag, index }

  async function readIndex(): Promise<Buffer> {
    const indexStart = foot.index_offset - tailStart
    if (indexStart >= 0) return tail.subarray(indexStart, indexStart + foot.index_length)
    return read({ offset: foot.index_offset, length: foot.index_length })
  }

  async function read(range: { offset: number; length: number }): Promise<Buffer> {
    const { bytes } = await readWhole(store, key, { ...range, ifMatch: etag, ...abort })
    return bytes
  }
}

function digestOf(...parts: Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function changed(key: string, what: string): DamagedManifest {
  return new DamagedManifest(key, `${what} has another SHA-256 than was written down`)
}

function ownerOf(key: string): { job: string; attempt: string } {
  const [job = '', attempt = ''] = key.split('/').slice(-3)
  return { job, attempt }
}
