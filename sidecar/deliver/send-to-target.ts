import { createHash } from 'node:crypto'
import { jobKeys } from '../../src/result-format/job-keys.ts'
import { type StoredFile, sizeProblem } from '../../src/result-format/stored-form.ts'
import { putStream } from '../../src/store/put-stream.ts'
import { type ArtifactStore, StoreError } from '../../src/store/store.ts'
import type { StoredResult } from '../inputs/stored-download.ts'
import { DeliveryError, ReadError } from './delivery-error.ts'
import type { EarlierFile } from './earlier-delivery.ts'

export type FileToSend = StoredFile & { size: number }

/** Of each request; what is above repeats the file. */
const attempts = 2

/**
 * Sends a file's bytes, and resolves with the ETag there. It appears there only if the bytes have
 * the manifest's SHA-256. Rejects with StoreError of the target, and with ReadError.
 */
export async function sendToTarget(
  result: StoredResult,
  file: FileToSend,
  { target, key, signal }: { target: ArtifactStore; key: string; signal: AbortSignal },
): Promise<string> {
  const source = checkedBytes(result, file, signal)
  const { etag } = await putStream(target, key, source, { maxBytes: file.size, attempts, signal })
  return etag
}

/** The ETag of what an earlier delivery sent, if the target still has it. */
export async function etagThere(
  file: FileToSend,
  earlier: EarlierFile | undefined,
  { target, key, signal }: { target: ArtifactStore; key: string; signal: AbortSignal },
): Promise<string | undefined> {
  if (earlier?.key !== key || earlier.sha256 !== file.sha256 || earlier.size !== file.size) return undefined
  try {
    const head = await target.head(key, signal)
    return head?.etag === earlier.etag && head.size === file.size ? head.etag : undefined
  } catch (error) {
    // Keys that may only write.
    if (error instanceof StoreError && error.kind === 'denied') return undefined
    throw error
  }
}

/** Ends with ReadError before its last bytes count, if they are not those of the manifest. */
async function* checkedBytes(
  { store, uuid, attempt }: StoredResult,
  file: FileToSend,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const { key, offset = 0, etag: ifMatch, size, sha256 } = file
  const hash = createHash('sha256')
  try {
    if (size > 0) {
      const options = { offset, length: size, ifMatch, signal }
      const body = await store.get(jobKeys.file(uuid, attempt, key), options)
      try {
        const problem = sizeProblem({ ...file, type: 'file' }, body.size)
        if (problem !== undefined) throw new DeliveryError('ResultDamaged', problem)
        for await (const chunk of body.stream as AsyncIterable<Buffer>) {
          hash.update(chunk)
          yield chunk
        }
      } finally {
        body.stream.destroy()
      }
    }
    const found = hash.digest('hex')
    if (found !== sha256) {
      throw new DeliveryError(
        'ResultDamaged',
        `the SHA-256 in the store is ${found}, not that of the manifest`,
      )
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new ReadError(error)
  }
}
