import { createHash, type Hash } from 'node:crypto'
import { isNotFound, type MultipartUpload, type Part } from '../../src/store/store.ts'
import { Halted } from '../store/store-calls.ts'
import { checkUnchanged, type Reading, type StoredBytes, type UploadContext } from './upload-context.ts'

/** The upload is gone from the store: it was removed too early. The file has to be sent again. */
export class UploadLost extends Error {
  override name = 'UploadLost'
}

/** A part of a file that is being uploaded, and the digest of the file's bytes. */
export interface PartToSend {
  upload: MultipartUpload
  /** From 1 on. */
  number: number
  start: number
  length: number
  digest: Hash
}

export interface PartTransfer {
  /** Upper bound for the parts that are sent at once. */
  most: number
  /**
   * Reads the part and resolves with the function that sends it; one of the two adds its bytes to
   * the digest.
   */
  prepare(part: PartToSend): Promise<() => Promise<Part>>
}

/**
 * Opens an upload, sends the file's parts in order, and completes the upload if the file was read
 * to its end unchanged. Rejects with ChangedWhileRead, UploadLost, Halted, StoreError and errors of
 * `transfer`; the upload is aborted then, except after a halt, whose caller does it.
 */
export async function uploadInParts(
  reading: Reading,
  key: string,
  partSize: number,
  context: UploadContext,
  transfer: PartTransfer,
): Promise<StoredBytes> {
  const { calls, store } = context
  const what = `storing ${reading.name}`
  const upload = await calls.run(what, (signal) => store.createUpload(key, partSize, signal))
  try {
    const { sha256, parts } = await sendAll(reading, upload, context, transfer)
    checkUnchanged(reading)
    const { etag } = await calls.run(what, (signal) =>
      store.completeUpload(upload, parts, signal).catch(lost),
    )
    return { sha256, etag }
  } catch (error) {
    if (error instanceof Halted) throw error
    await calls.run('dropping an upload', (signal) => store.abortUpload(upload, signal))
    throw error
  }
}

/** Sends every part; when it settles, no request is in flight. */
async function sendAll(
  reading: Reading,
  upload: MultipartUpload,
  { progress }: UploadContext,
  { most, prepare }: PartTransfer,
): Promise<{ sha256: string; parts: Part[] }> {
  const size = Number(reading.stat.size)
  const digest = createHash('sha256')
  const parts: Part[] = []
  const inFlight = new Set<Promise<void>>()
  const failures: unknown[] = []
  let counted = 0
  const add = (length: number, sending: Promise<Part>) => {
    const sent: Promise<void> = sending
      .then(
        (part) => {
          parts[part.number - 1] = part
          progress.partDone(length)
          counted += length
        },
        (error: unknown) => void failures.push(error),
      )
      .finally(() => inFlight.delete(sent))
    inFlight.add(sent)
  }
  try {
    for (let start = 0, number = 1; start < size && failures.length === 0; number += 1) {
      const length = Math.min(upload.partSize, size - start)
      const send = await prepare({ upload, number, start, length, digest })
      if (inFlight.size >= most) await Promise.race(inFlight)
      add(length, send())
      start += length
    }
  } finally {
    await Promise.all(inFlight)
    progress.partDone(-counted)
  }
  if (failures.length > 0) throw failures[0]
  return { sha256: digest.digest('hex'), parts }
}

/** For requests of an upload: the store doesn't know it any more. */
export function lost(error: unknown): never {
  throw isNotFound(error) ? new UploadLost('the store dropped an upload that was under way') : error
}
