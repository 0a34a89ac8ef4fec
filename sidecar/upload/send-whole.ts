import { hash } from 'node:crypto'
import { type Reading, readUnchanged, type StoredBytes, type UploadContext } from './upload-context.ts'

/**
 * Sends a file that fits into one buffer, after it was read unchanged. Bytes with the digest of
 * `known`, which the store has, are not sent again. Rejects with ChangedWhileRead, Halted,
 * StoreError and errors of reading.
 */
export function sendWhole(
  reading: Reading,
  key: string,
  known: StoredBytes | undefined,
  { buffers, calls, store, isAhead }: UploadContext,
): Promise<StoredBytes> {
  const send = async (buffer: Buffer) => {
    await readUnchanged(reading, buffer, 0)
    const sha256 = hash('sha256', buffer, 'hex')
    if (known?.sha256 === sha256) return known
    const { concurrency } = buffers
    const put = (signal: AbortSignal) => concurrency.timed(() => store.put(key, buffer, signal, { sha256 }))
    const { etag } = await concurrency.run(() => calls.run(`storing ${reading.name}`, put))
    return { sha256, etag }
  }
  return buffers.useFor(Number(reading.stat.size), send, isAhead)
}
