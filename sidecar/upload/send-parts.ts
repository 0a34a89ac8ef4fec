import { createHash } from 'node:crypto'
import { isNotFound, type Part, type Upload } from '../../src/artifact/store.ts'
import { Halted } from '../store/store-calls.ts'
import type { Lender } from './pool.ts'
import {
  ChangedWhileRead,
  checkUnchanged,
  type Reading,
  type Sending,
  type Stored,
  TookTooLong,
} from './send.ts'

/** The store knows the upload no more: somebody cleaned up too early. The file has to be sent anew. */
export class UploadLost extends Error {
  override name = 'UploadLost'
}

/**
 * Sends a file in parts, several at once, reading and hashing the next meanwhile; the object appears only when the
 * file was read to its end unchanged. Throws ChangedWhileRead, TookTooLong, UploadLost, Halted, StoreError and
 * what reading gives; the upload is dropped then, except after a halt, which leaves it to whoever called it.
 */
export function sendParts(
  reading: Reading,
  key: string,
  partSize: number,
  sending: Sending,
): Promise<Stored> {
  const { buffers, calls, store } = sending
  return buffers.useForParts(partSize, async (pool) => {
    const what = `storing ${reading.name}`
    const upload = await calls.run(what, (signal) => store.createUpload(key, partSize, signal))
    try {
      const { sha256, parts } = await sendAll(reading, upload, pool, sending)
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
  })
}

/** Sends every part; when it settles none is under way. */
async function sendAll(
  reading: Reading,
  upload: Upload,
  pool: Lender<Buffer>,
  { calls, store, progress, isTooLate }: Sending,
): Promise<{ sha256: string; parts: Part[] }> {
  const size = Number(reading.stat.size)
  let counted = 0
  const digest = createHash('sha256')
  const parts: Part[] = []
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  const send = async (number: number, body: Buffer) => {
    try {
      const what = `storing ${reading.name}, part ${number}`
      const part = await calls.run(what, (signal) => store.putPart(upload, number, body, signal).catch(lost))
      parts[number - 1] = part
      progress.partDone(body.length)
      counted += body.length
    } catch (error) {
      failures.push(error)
    }
  }

  try {
    for (
      let start = 0, number = 1;
      start < size && failures.length === 0;
      start += upload.partSize, number += 1
    ) {
      const buffer = await pool.take()
      const body = buffer.subarray(0, Math.min(upload.partSize, size - start))
      try {
        if (isTooLate?.()) throw new TookTooLong()
        await readPart(reading, body, start)
      } catch (error) {
        pool.release(buffer)
        throw error
      }
      const sent: Promise<void> = send(number, body).finally(() => {
        pool.release(buffer)
        underWay.delete(sent)
      })
      underWay.add(sent)
      digest.update(body)
    }
  } finally {
    await Promise.all(underWay)
    progress.partDone(-counted)
  }
  if (failures.length > 0) throw failures[0]
  return { sha256: digest.digest('hex'), parts }
}

/** A file that has changed by then is given up at once, not after its last part. */
async function readPart(reading: Reading, body: Buffer, start: number): Promise<void> {
  if (!(await reading.file.fill(body, start))) throw new ChangedWhileRead()
  checkUnchanged(reading)
}

function lost(error: unknown): never {
  throw isNotFound(error) ? new UploadLost('the store dropped an upload that was under way') : error
}
