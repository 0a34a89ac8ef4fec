import { retry } from './retry.ts'
import type { ArtifactStore, Part, StoredObject, Upload } from './store.ts'

export interface PartSenderOptions {
  signal: AbortSignal | undefined
  attempts: number
  /** Called once, as soon as a part has failed for good. */
  onFailure: (error: unknown) => void
}

/** Cuts bytes into parts and sends them, two at a time; the upload begins with the first full part. */
export interface PartSender {
  /** Resolves when the bytes are copied; rejects when a part before has failed. */
  add(bytes: Uint8Array): Promise<void>
  /** All bytes so far where they are no more than one part and nothing was sent, else undefined. */
  onlyBlock(): Uint8Array | undefined
  /** Sends the rest and completes the upload. */
  finish(): Promise<StoredObject>
  /** Ends what is under way and drops the upload; never rejects. */
  abort(): Promise<void>
}

export function createPartSender(
  store: ArtifactStore,
  key: string,
  partSize: number,
  { signal, attempts, onFailure }: PartSenderOptions,
): PartSender {
  const ended = new AbortController()
  const bounded = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
  const again = { attempts, signal: bounded }
  const inFlight = new Set<Promise<void>>()
  const free: Buffer<ArrayBuffer>[] = []
  const parts: Part[] = []
  let block = Buffer.allocUnsafe(Math.min(firstBlockBytes, partSize))
  let filled = 0
  let sent = 0
  let upload: Upload | undefined
  let failure: { error: unknown } | undefined

  const sendBlock = async (): Promise<void> => {
    if (inFlight.size >= partsInFlight) await Promise.race(inFlight)
    if (failure !== undefined) throw failure.error
    upload ??= await retry(() => store.createUpload(key, partSize, bounded), again)
    const [target, full, body, number] = [upload, block, block.subarray(0, filled), ++sent]
    const sending: Promise<void> = retry(() => store.putPart(target, number, body, bounded), again)
      .then(
        (part) => {
          parts[number - 1] = part
          free.push(full)
        },
        (error: unknown) => {
          if (failure === undefined) onFailure(error)
          failure ??= { error }
        },
      )
      .finally(() => inFlight.delete(sending))
    inFlight.add(sending)
    filled = 0
  }

  /** A new buffer for a new block; a larger one where the present one is full but the part isn't. */
  const makeRoom = async (): Promise<void> => {
    if (filled === partSize) {
      await sendBlock()
      block = free.pop() ?? Buffer.allocUnsafe(partSize)
    } else if (filled === block.byteLength) {
      const larger = Buffer.allocUnsafe(Math.min(partSize, block.byteLength * 4))
      block.copy(larger)
      block = larger
    }
  }

  return {
    add: async (bytes) => {
      for (let taken = 0; taken < bytes.byteLength; ) {
        await makeRoom()
        const piece = bytes.subarray(taken, taken + block.byteLength - filled)
        block.set(piece, filled)
        filled += piece.byteLength
        taken += piece.byteLength
      }
    },

    onlyBlock: () => (sent === 0 ? block.subarray(0, filled) : undefined),

    finish: async () => {
      if (filled > 0) await sendBlock()
      await Promise.all(inFlight)
      if (failure !== undefined) throw failure.error
      if (upload === undefined) throw new Error(`${key}: nothing was sent`)
      const target = upload
      return retry(() => store.completeUpload(target, parts, bounded), again)
    },

    abort: async () => {
      ended.abort()
      await Promise.all(inFlight)
      const target = upload
      if (target === undefined) return
      // Without the caller's signal, which may be why it is aborted; what fails here is not the failure to tell.
      await retry(() => store.abortUpload(target), { attempts: 3 }).catch(() => {})
    },
  }
}

const partsInFlight = 2
/** Most objects are small: the first block grows as it is needed. */
const firstBlockBytes = 64 * 1024
