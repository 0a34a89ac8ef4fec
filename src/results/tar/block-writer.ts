import type { Sink } from '../../util/sink.ts'

const chunkBytes = 64 * 1024
/** Size of a member's usual header. */
const headerBytes = 512

/**
 * Collects headers, padding and small files into chunks, since each chunk costs a write to the
 * client; passes large blocks through. The first chunk is written once bytes follow the first
 * header.
 */
export class BlockWriter {
  readonly #sink: Sink
  readonly #pending = Buffer.allocUnsafe(chunkBytes)
  #bytes = 0
  #hasWritten = false

  constructor(sink: Sink) {
    this.#sink = sink
  }

  async write(block: Buffer): Promise<void> {
    if (this.#bytes + block.length > chunkBytes) await this.flush()
    if (block.length >= chunkBytes) return await this.#sink(block)
    this.#bytes += block.copy(this.#pending, this.#bytes)
    if (!this.#hasWritten && this.#bytes > headerBytes) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return
    this.#hasWritten = true
    await this.#sink(this.#pending.subarray(0, this.#bytes))
    this.#bytes = 0
  }
}
