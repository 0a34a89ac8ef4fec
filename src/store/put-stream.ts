import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Clock, systemClock } from '../util/clock.ts'
import { defined } from '../util/objects.ts'
import { PartSender } from './part-sender.ts'
import { retry } from './retry.ts'
import type { ArtifactStore, StoredObject, WriteOptions } from './store.ts'

export interface PutStreamOptions extends Pick<WriteOptions, 'ifAbsent' | 'ifMatch'> {
  signal?: AbortSignal
  /** putStream() rejects with TooLargeError if the source has more bytes. */
  maxBytes?: number
  /** Attempts of each request; default 5. */
  attempts?: number
  clock?: Clock
}

export interface PutStreamResult extends StoredObject {
  size: number
  /** Lower-case hex. */
  sha256: string
}

/** The source has more bytes than `maxBytes`, or than an upload in parts can hold. */
export class TooLargeError extends Error {
  readonly maxBytes: number

  constructor(key: string, maxBytes: number) {
    super(`${key}: more than ${maxBytes} bytes`)
    this.name = 'TooLargeError'
    this.maxBytes = maxBytes
  }
}

/**
 * Writes an object of unknown length: up to 8 MiB by one put, a larger one in parts, two of them in
 * flight, and at most three in memory. If `maxBytes` would need more than 10,000 parts, the parts
 * are larger. After a failure the source is destroyed and the upload aborted. Rejects with
 * StoreError, TooLargeError, the signal's reason or the source's own error.
 */
export async function putStream(
  store: ArtifactStore,
  key: string,
  source: AsyncIterable<Uint8Array>,
  options: PutStreamOptions = {},
): Promise<PutStreamResult> {
  const { signal, maxBytes = mostParts * leastPartSize, ifAbsent = false, ifMatch } = options
  const { attempts = 5, clock = systemClock } = options
  const requests = { signal, attempts, clock }
  const condition: WriteOptions = { ifAbsent, ...defined({ ifMatch }) }
  const hash = createHash('sha256')
  const partSize = Math.max(leastPartSize, Math.ceil(maxBytes / mostParts))
  // A loop that waits for the source's next chunk would not notice the failure: end the source.
  const stopSource = (reason: unknown) => {
    if (source instanceof Readable)
      source.destroy(reason instanceof Error ? reason : new Error(String(reason)))
  }
  const onAbort = () => stopSource(signal?.reason)
  const sender = new PartSender(store, key, partSize, { ...requests, condition, onFailure: stopSource })
  let size = 0
  // Between two reads no listener is attached: an `error` event of the source would end the
  // program.
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
        : await retry(() => store.put(key, rest, signal, condition), requests)
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
/** S3's maximum of parts in one upload. */
const mostParts = 10_000
