import { createHash } from 'node:crypto'
import type { ManifestHead } from './manifest.ts'
import { DamagedManifest, decodeFoot, decodeHead, type Foot, footBytes } from './manifest-format.ts'
import { type ArtifactStore, isNotFound, StoreError } from './store.ts'

/** The index of some 500,000 entries with short paths fits into the first read. */
const tailBytes = 64 * 1024
const headBytes = 4096

/** What a manifest begins and ends with. */
export interface ManifestEnds {
  head: ManifestHead
  foot: Foot
  etag: string
  /** The index's bytes where the first read had them all. */
  index: Buffer | undefined
}

/**
 * Reads a manifest's head and foot: one request where it is small or absent, else two. Undefined where there
 * is none. Rejects with DamagedManifest, and with StoreError.
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
  const abort = signal === undefined ? {} : { signal }
  const body = await store.get(key, { offset: -tailBytes, ...abort })
  const { etag, size } = body
  const tail = Buffer.concat(await body.stream.toArray(abort))
  const tailStart = size - tail.length
  const foot = decodeFoot(key, tail.subarray(-footBytes), size)

  const whole = tailStart === 0
  if (whole) checkDigest(key, tail.subarray(0, -footBytes), foot)
  const start = whole ? tail : await readStart()
  const lineEnd = start.indexOf('\n')
  if (lineEnd === -1) throw new DamagedManifest(key, 'it has no head')
  const head = decodeHead(key, start.toString('utf8', 0, lineEnd), ownerOf(key))

  const indexStart = foot.index_offset - tailStart
  const index = indexStart < 0 ? undefined : tail.subarray(indexStart, indexStart + foot.index_length)
  return { head, foot, etag, index }

  async function readStart(): Promise<Buffer> {
    const first = await store.get(key, { offset: 0, length: headBytes, ifMatch: etag, ...abort })
    return Buffer.concat(await first.stream.toArray(abort))
  }
}

function checkDigest(key: string, bytes: Uint8Array, foot: Foot): void {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== foot.sha256) throw new DamagedManifest(key, 'its SHA-256 is not the one in its foot')
}

function ownerOf(key: string): { job: string; attempt: string } {
  const [job = '', attempt = ''] = key.split('/').slice(-3)
  return { job, attempt }
}
