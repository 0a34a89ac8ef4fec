import { crc32 } from 'node:zlib'
import { base64OfCrc32 } from '../../src/store/crc32.ts'
import type { Part, StreamedPart } from '../../src/store/store.ts'
import { lost, type PartToSend, uploadInParts } from './part-upload.ts'
import {
  checkUnchanged,
  type Reading,
  readUnchanged,
  type StoredBytes,
  TookTooLong,
  type UploadContext,
} from './upload-context.ts'

const pieceBytes = 1024 * 1024

/**
 * As sendParts(), for a file whose parts are too large for the memory: each is read twice, first for
 * its sums, then again as it is sent. The store compares the CRC32, so that what it keeps is what
 * was hashed.
 */
export function sendStreamed(
  reading: Reading,
  key: string,
  partSize: number,
  context: UploadContext,
): Promise<StoredBytes> {
  return context.buffers.useForStreams(() =>
    uploadInParts(reading, key, partSize, context, {
      // While one part is sent the next one is hashed.
      most: 2,
      async prepare(part) {
        if (context.isTooLate?.()) throw new TookTooLong()
        const summed = await summedPart(reading, part)
        return () => sendPart(reading, part, summed, context)
      },
    }),
  )
}

interface SummedPart extends StreamedPart {
  /** Why the last reading ended early: the store's own error says only that a request broke off. */
  failure(): unknown
}

async function summedPart(reading: Reading, { start, length, digest }: PartToSend): Promise<SummedPart> {
  let sum = 0
  let failure: unknown
  for await (const piece of piecesOf(reading, start, length)) {
    digest.update(piece)
    sum = crc32(piece, sum)
  }
  return {
    byteLength: length,
    crc32: base64OfCrc32(sum),
    failure: () => failure,
    async *pieces() {
      try {
        yield* piecesOf(reading, start, length)
      } catch (error) {
        failure = error
        throw error
      }
    },
  }
}

function sendPart(
  reading: Reading,
  { upload, number }: PartToSend,
  part: SummedPart,
  { calls, store }: UploadContext,
): Promise<Part> {
  const what = `storing ${reading.name}, part ${number}`
  return calls.run(what, async (signal) => {
    try {
      return await store.putPart(upload, number, part, signal, { isChecked: true })
    } catch (error) {
      if (part.failure() !== undefined) throw part.failure()
      // A store that refuses the sum of other bytes would be asked for ever.
      checkUnchanged(reading)
      return lost(error)
    }
  })
}

/** A buffer of its own for each piece: a socket may hold the last ones. */
async function* piecesOf(reading: Reading, start: number, length: number): AsyncGenerator<Buffer, void> {
  for (let done = 0; done < length; ) {
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, length - done))
    await readUnchanged(reading, piece, start + done)
    yield piece
    done += piece.length
  }
}
