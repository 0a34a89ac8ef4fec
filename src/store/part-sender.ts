import type { Clock } from '../util/clock.ts'
import { timeoutSignal } from '../util/timers.ts'
import { retry } from './retry.ts'
import type { ArtifactStore, MultipartUpload, Part, StoredObject, WriteOptions } from './store.ts'

export interface PartSenderOptions {
  signal: AbortSignal | undefined
  attempts: number
  /** Of the completion. */
  condition: WriteOptions
  /** Called once, as soon as a part has failed in all attempts. */
  onFailure: (error: unknown) => void
  clock: Clock
}

/**
 * Cuts bytes into parts and sends them, two at a time; the upload begins with the first full part.
 */
export class PartSender {
  readonly #store: ArtifactStore
  readonly #key: string
  readonly #partSize: number
  readonly #onFailure: (error: unknown) => void
  readonly #condition: WriteOptions
  readonly #ended = new AbortController()
  readonly #again: { attempts: number; signal: AbortSignal; clock: Clock }
  readonly #inFlight = new Set<Promise<void>>()
  readonly #free: Buffer<ArrayBuffer>[] = []
  readonly #parts: Part[] = []
  #block: Buffer<ArrayBuffer>
  #filled = 0
  #sent = 0
  #upload: MultipartUpload | undefined
  #failure: { error: unknown } | undefined

  constructor(store: ArtifactStore, key: string, partSize: number, options: PartSenderOptions) {
    const { signal, attempts, condition, onFailure, clock } = options
    this.#store = store
    this.#key = key
    this.#partSize = partSize
    this.#onFailure = onFailure
    this.#condition = condition
    const ended = this.#ended.signal
    const either = signal === undefined ? ended : AbortSignal.any([signal, ended])
    this.#again = { attempts, signal: either, clock }
    this.#block = Buffer.allocUnsafe(Math.min(firstBlockBytes, partSize))
  }

  /** Resolves when the bytes are copied; rejects if an earlier part has failed. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let taken = 0; taken < bytes.byteLength; ) {
      await this.#makeRoom()
      const piece = bytes.subarray(taken, taken + this.#block.byteLength - this.#filled)
      this.#block.set(piece, this.#filled)
      this.#filled += piece.byteLength
      taken += piece.byteLength
    }
  }

  /** All bytes so far if they fit into one part and no part was sent; else undefined. */
  onlyBlock(): Uint8Array | undefined {
    return this.#sent === 0 ? this.#block.subarray(0, this.#filled) : undefined
  }

  /** Sends the rest and completes the upload. */
  async finish(): Promise<StoredObject> {
    if (this.#filled > 0) await this.#sendBlock()
    await Promise.all(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure.error
    const upload = this.#upload
    if (upload === undefined) throw new Error(`${this.#key}: no part was sent`)
    const { signal } = this.#again
    return retry(() => this.#store.completeUpload(upload, this.#parts, signal, this.#condition), this.#again)
  }

  /** Aborts the requests in flight and the upload, within 2 s; never rejects. */
  async abort(): Promise<void> {
    this.#ended.abort()
    await Promise.all(this.#inFlight)
    const upload = this.#upload
    if (upload === undefined) return
    const { clock } = this.#again
    // The caller's signal may be aborted already. The timeout bounds the wait if the store is down.
    const signal = timeoutSignal(dropMs, clock)
    // The caller reports the failure that led to this abort; an error of the abort would hide it.
    await retry(() => this.#store.abortUpload(upload, signal), { attempts: 3, signal, clock }).catch(() => {})
  }

  /**
   * Sends a full part and takes a new buffer; enlarges a full buffer of a part that is not full.
   */
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
/** Most objects are small, so the first block starts small and grows. */
const firstBlockBytes = 64 * 1024
