import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { PartSender } from './part-sender.ts'
import { retry } from './retry.ts'
import type { ArtifactStore, StoredObject, WriteOptions } from './store.ts'

export interface PutStreamOptions extends WriteOptions {
  signal?: AbortSignal
  /** More bytes than that reject with TooLargeError. */
  maxBytes?: number
  /** How often each request is tried; 5. */
  attempts?: number
}

export interface PutStreamResult extends StoredObject {
  size: number
  /** Lower-case hex. */
  sha256: string
}

/** The source has more bytes than were allowed, or than an upload in parts can hold. */
export class TooLargeError extends Error {
  readonly maxBytes: number

  constructor(key: string, maxBytes: number) {
    super(`${key}: more than ${maxBytes} bytes`)
    this.name = 'TooLargeError'
    this.maxBytes = maxBytes
  }
}

/**
 * Writes an object of unknown length: by one put up to 8 MiB, else in parts, two of them in flight; holds three
 * parts in memory at most. Where `maxBytes` would need more than 10,000 parts, the parts are larger. After any
 * failure the source is destroyed and the upload aborted. Rejects with StoreError, TooLargeError, the signal's
 * reason or the source's own error.
 */
export async function putStream(
  store: ArtifactStore,
  key: string,
  source: AsyncIterable<Uint8Array>,
  options: PutStreamOptions = {},
): Promise<PutStreamResult> {
  const { signal, maxBytes = mostParts * leastPartSize, attempts = 5, ifAbsent = false } = options
  const hash = createHash('sha256')
  const partSize = Math.max(leastPartSize, Math.ceil(maxBytes / mostParts))
  // A source that gives nothing more would keep a failure unseen.
  const stopSource = (reason: unknown) => {
    if (source instanceof Readable)
      source.destroy(reason instanceof Error ? reason : new Error(String(reason)))
  }
  const onAbort = () => stopSource(signal?.reason)
  const sender = new PartSender(store, key, partSize, { signal, attempts, ifAbsent, onFailure: stopSource })
  let size = 0
  // An error of the source that comes while nobody iterates it would end the program.
  if (source instanceof Readable) source.on('error', () => {})
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    for await (const chunk of source) {
      signal?.throwIfAborted()
      size += chunk.byteLength
      if (size > maxBytes) throw new TooLargeError(key, maxBytes)
      hash.update(chunk)
      await sender.add(chunk)
    }
    const rest = sender.onlyBlock()
    const { etag } =
      rest === undefined
        ? await sender.finish()
        : await retry(() => store.put(key, rest, signal, { ifAbsent }), { attempts, signal })
    return { etag, size, sha256: hash.digest('hex') }
  } catch (error) {
    stopSource(error)
    await sender.abort()
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

const leastPartSize = 8 * 1024 * 1024
/** S3's most. */
const mostParts = 10_000
