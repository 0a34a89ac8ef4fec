import type { BufferLender } from './buffer-pool.ts'
import { lost, type PartToSend, uploadInParts } from './part-upload.ts'
import {
  type Reading,
  readUnchanged,
  type StoredBytes,
  TookTooLong,
  type UploadContext,
} from './upload-context.ts'

/**
 * Sends a file in parts, several at once, and reads and hashes the next part meanwhile. The object
 * appears only if the file was read to its end unchanged. Rejects with ChangedWhileRead,
 * TookTooLong, UploadLost, Halted, StoreError and errors of reading; the upload is aborted then,
 * except after a halt, whose caller does it.
 */
export function sendParts(
  reading: Reading,
  key: string,
  partSize: number,
  context: UploadContext,
): Promise<StoredBytes> {
  return context.buffers.useForParts(partSize, (pool) =>
    uploadInParts(reading, key, partSize, context, {
      // The pool's buffers are the bound.
      most: Number.POSITIVE_INFINITY,
      prepare: (part) => readPart(reading, part, pool, context),
    }),
  )
}

async function readPart(
  reading: Reading,
  { upload, number, start, length, digest }: PartToSend,
  pool: BufferLender,
  { calls, store, isTooLate }: UploadContext,
) {
  const buffer = await pool.take()
  const body = buffer.subarray(0, length)
  try {
    if (isTooLate?.()) throw new TookTooLong()
    // A changed file is given up at once, not after its last part.
    await readUnchanged(reading, body, start)
  } catch (error) {
    pool.release(buffer)
    throw error
  }
  return () => {
    const what = `storing ${reading.name}, part ${number}`
    const sent = calls.run(what, (signal) =>
      store.putPart(upload, number, body, signal, { isChecked: true }).catch(lost),
    )
    // While the request is under way.
    digest.update(body)
    return sent.finally(() => pool.release(buffer))
  }
}
