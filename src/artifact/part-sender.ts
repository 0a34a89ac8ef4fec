import { retry } from './retry.ts'
import type { ArtifactStore, Part, StoredObject, Upload } from './store.ts'

export interface PartSenderOptions {
  signal: AbortSignal | undefined
  attempts: number
  ifAbsent: boolean
  /** Called once, as soon as a part has failed for good. */
  onFailure: (error: unknown) => void
}

/** Cuts bytes into parts and sends them, two at a time; the upload begins with the first full part. */
export class PartSender {
  readonly #store: ArtifactStore
  readonly #key: string
  readonly #partSize: number
  readonly #onFailure: (error: unknown) => void
  readonly #ifAbsent: boolean
  readonly #ended = new AbortController()
  readonly #again: { attempts: number; signal: AbortSignal }
  readonly #inFlight = new Set<Promise<void>>()
  readonly #free: Buffer<ArrayBuffer>[] = []
  readonly #parts: Part[] = []
  #block: Buffer<ArrayBuffer>
  #filled = 0
  #sent = 0
  #upload: Upload | undefined
  #failure: { error: unknown } | undefined

  constructor(store: ArtifactStore, key: string, partSize: number, options: PartSenderOptions) {
    const { signal, attempts, ifAbsent, onFailure } = options
    this.#store = store
    this.#key = key
    this.#partSize = partSize
    this.#onFailure = onFailure
    this.#ifAbsent = ifAbsent
    const ended = this.#ended.signal
    this.#again = { attempts, signal: signal === undefined ? ended : AbortSignal.any([signal, ended]) }
    this.#block = Buffer.allocUnsafe(Math.min(firstBlockBytes, partSize))
  }

  /** Resolves when the bytes are copied; rejects when a part before has failed. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let taken = 0; taken < bytes.byteLength; ) {
      await this.#makeRoom()
      const piece = bytes.subarray(taken, taken + this.#block.byteLength - this.#filled)
      this.#block.set(piece, this.#filled)
      this.#filled += piece.byteLength
      taken += piece.byteLength
    }
  }

  /** All bytes so far where they are no more than one part and nothing was sent, else undefined. */
  onlyBlock(): Uint8Array | undefined {
    return this.#sent === 0 ? this.#block.subarray(0, this.#filled) : undefined
  }

  /** Sends the rest and completes the upload. */
  async finish(): Promise<StoredObject> {
    if (this.#filled > 0) await this.#sendBlock()
    await Promise.all(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    const upload = this.#upload
    if (upload === undefined) throw new Error(`${this.#key}: nothing was sent`)
    const { signal } = this.#again
    const options = { ifAbsent: this.#ifAbsent }
    return retry(() => this.#store.completeUpload(upload, this.#parts, signal, options), this.#again)
  }

  /** Ends what is under way and drops the upload, within 2 s; never rejects. */
  async abort(): Promise<void> {
    this.#ended.abort()
    await Promise.all(this.#inFlight)
    const upload = this.#upload
    if (upload === undefined) return
    // Without the caller's signal, which may be why it is aborted; but whoever halts can't wait for a dead store.
    const signal = AbortSignal.timeout(dropMs)
    // What fails here is not the failure to tell.
    await retry(() => this.#store.abortUpload(upload, signal), { attempts: 3, signal }).catch(() => {})
  }

  /** A new buffer for a new block; a larger one where the present one is full but the part isn't. */
  async #makeRoom(): Promise<void> {
    if (this.#filled === this.#partSize) {
      await this.#sendBlock()
      this.#block = this.#free.pop() ?? Buffer.allocUnsafe(this.#partSize)
    } else if (this.#filled === this.#block.byteLength) {
      const larger = Buffer.allocUnsafe(Math.min(this.#partSize, this.#block.byteLength * 4))
      this.#block.copy(larger)
      this.#block = larger
    }
  }

  async #sendBlock(): Promise<void> {
    if (this.#inFlight.size >= partsInFlight) await Promise.race(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    const { signal } = this.#again
    this.#upload ??= await retry(
      () => this.#store.createUpload(this.#key, this.#partSize, signal),
      this.#again,
    )
    const [upload, block, number] = [this.#upload, this.#block, ++this.#sent]
    const body = block.subarray(0, this.#filled)
    const sending: Promise<void> = retry(() => this.#store.putPart(upload, number, body, signal), this.#again)
      .then(
        (part) => {
          this.#parts[number - 1] = part
          this.#free.push(block)
        },
        (error: unknown) => {
          if (this.#failure === undefined) this.#onFailure(error)
          this.#failure ??= { error }
        },
      )
      .finally(() => this.#inFlight.delete(sending))
    this.#inFlight.add(sending)
    this.#filled = 0
  }
}

const partsInFlight = 2
const dropMs = 2000
/** Most objects are small: the first block grows as it is needed. */
const firstBlockBytes = 64 * 1024
