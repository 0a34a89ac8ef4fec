import type { Hash } from 'node:crypto'
import type { Sink } from '../../../util/sink.ts'
import type { BlockPool } from './block-pool.ts'
import { BlockWindow, type SharedBlock } from './block-window.ts'
import type { CheckedFile, Remainder } from './checked-file.ts'

interface Blocks {
  /** Maximum that one read keeps. */
  most: number
  pool: BlockPool
  /** A reader that is alone from the start may be joined until the first block is gone. */
  keepsForOne: boolean
}

interface Reader {
  /** What it lacked when it joined. */
  rest: Remainder
  sink: Sink
  position: number
  /** The block of its last bytes. */
  block?: SharedBlock
}

type Waiting = PromiseWithResolvers<void>

/**
 * One read of a file's rest for any number of readers. It goes on as soon as one of them has all
 * bytes that came, so no reader waits for a slower one; the newest blocks are kept for the others.
 * Once no reader can join and only one is left, the chunks are passed to that reader without a copy.
 */
export class SharedRead {
  readonly #file: CheckedFile
  readonly #window: BlockWindow
  readonly #keepsForOne: boolean
  readonly #onReleased: () => void
  readonly #digest: Hash
  readonly #abort = new AbortController()
  readonly #readers = new Set<Reader>()
  /** The readers that have all bytes that came. */
  readonly #waiting = new Map<Reader, Waiting>()
  #wanted: PromiseWithResolvers<void> | undefined
  /** The only reader, to which the chunks are passed without a copy. */
  #sole: Reader | undefined
  #end: number
  #failure: { error: unknown } | undefined
  #hasBegun = false
  #isReleased = false

  /** `onReleased` is called once, when it takes no readers any more and keeps no blocks. */
  constructor(file: CheckedFile, rest: Remainder, blocks: Blocks, onReleased: () => void) {
    this.#file = file
    this.#digest = rest.digest.copy()
    this.#end = rest.start
    this.#window = new BlockWindow(rest.start, blocks.most, blocks.pool)
    this.#keepsForOne = blocks.keepsForOne
    this.#onReleased = onReleased
  }

  /** True if a reader can join that lacks the bytes from `position` on. */
  isJoinableAt(position: number): boolean {
    if (this.#isReleased || this.#failure !== undefined) return false
    return position === this.#end || this.#window.at(position) !== undefined
  }

  /**
   * Writes the rest of the file to the sink; the first call begins the read. Resolves with what is
   * still lacking if the reader is so slow that its next bytes are no longer kept. Rejects with the
   * error of the read or of the sink, or with the signal's reason.
   */
  async send(rest: Remainder, sink: Sink, signal?: AbortSignal): Promise<Remainder | undefined> {
    const reader: Reader = { rest, sink, position: rest.start }
    const abort = () => this.#waiting.get(reader)?.reject(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      this.#join(reader)
      while (reader.position < this.#file.size) {
        signal?.throwIfAborted()
        const bytes = this.#kept(reader)
        if (bytes !== undefined) await passOn(reader, bytes)
        else if (reader.position < this.#end) return this.#remainderFor(reader)
        else await this.#untilMore(reader)
      }
      this.#letGo(reader)
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#leave(reader)
    }
  }

  #join(reader: Reader): void {
    this.#readers.add(reader)
    if (!this.#hasBegun) void this.#read()
  }

  async #read(): Promise<void> {
    this.#hasBegun = true
    try {
      await this.#file.read(this.#end, (chunk) => this.#take(chunk), this.#abort.signal)
      this.#wake()
    } catch (error) {
      this.#failure = { error }
      for (const { reject } of this.#waiting.values()) reject(error)
    }
  }

  async #take(chunk: Buffer): Promise<void> {
    this.#abort.signal.throwIfAborted()
    this.#sole ??= this.#soleReader(chunk.length)
    if (this.#sole === undefined) this.#window.makeRoom(chunk.length, () => this.#digest.copy())
    this.#digest.update(chunk)
    const end = this.#end + chunk.length
    if (end === this.#file.size) this.#file.check(this.#digest.digest('hex'))
    this.#end = end
    if (this.#sole !== undefined) return await passOn(this.#sole, chunk)
    this.#window.append(chunk)
    this.#wake()
    if (end === this.#file.size) return
    this.#wanted = Promise.withResolvers()
    await this.#wanted.promise
  }

  #wake(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { resolve } of waiting) resolve()
  }

  /** The reader that is left alone, if none is to join it once the next chunk is there. */
  #soleReader(chunkLength: number): Reader | undefined {
    const hasRoom = this.#window.hasStart && !this.#window.isFullFor(chunkLength)
    const [reader] = this.#waiting.keys()
    if ((hasRoom && this.#keepsForOne) || reader === undefined || this.#readers.size > 1) return undefined
    this.#letGo(reader)
    this.#release()
    return reader
  }

  #kept(reader: Reader): Buffer | undefined {
    const { position } = reader
    const block = this.#window.hold(position, reader.block)
    if (block === undefined) return undefined
    reader.block = block
    return block.bytes.subarray(position - block.start, block.filled)
  }

  /** Resolves once bytes of its position are kept, or, for the only reader, after the last chunk. */
  #untilMore(reader: Reader): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    const waiting: Waiting = Promise.withResolvers()
    this.#waiting.set(reader, waiting)
    this.#wanted?.resolve()
    return waiting.promise
  }

  #leave(reader: Reader): void {
    this.#waiting.delete(reader)
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    this.#release()
    if (reader.position === this.#file.size) this.#wanted?.resolve()
    else {
      const error = new Error('no reader is left')
      this.#abort.abort(error)
      this.#wanted?.reject(error)
    }
  }

  #release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#window.clear()
    this.#onReleased()
  }

  /** Called only once the sink has resolved. */
  #letGo(reader: Reader): void {
    if (reader.block !== undefined) this.#window.release(reader.block)
    delete reader.block
  }

  /** The next block is gone: the reader has all of its own, if it had any. */
  #remainderFor(reader: Reader): Remainder {
    const { position: start, rest, block } = reader
    if (start === rest.start) return rest
    const digest = block?.digest?.copy()
    if (digest === undefined) throw new Error('a reader was left behind within a block')
    this.#letGo(reader)
    return { start, digest }
  }
}

async function passOn(reader: Reader, bytes: Buffer): Promise<void> {
  await reader.sink(bytes)
  reader.position += bytes.length
}
