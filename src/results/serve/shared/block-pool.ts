import { relayBytes } from '../../../store/relay.ts'

/** Size of a block: the largest chunk that a relay passes on fits. */
export const blockBytes = relayBytes

/**
 * Maximum of idle blocks: with new memory for each download of a GiB, V8's collections for it took
 * 5 % of the download's time.
 */
const maxIdle = 16

/** Memory for blocks, used again and again. */
export class BlockPool {
  readonly #idle: Buffer[] = []

  /** A buffer of at least `length` bytes, usually of blockBytes. */
  take(length: number): Buffer {
    const idle = length <= blockBytes ? this.#idle.pop() : undefined
    return idle ?? Buffer.allocUnsafeSlow(Math.max(length, blockBytes))
  }

  /** Takes a buffer back that nobody reads any more. */
  give(buffer: Buffer): void {
    if (buffer.length === blockBytes && this.#idle.length < maxIdle) this.#idle.push(buffer)
  }
}
