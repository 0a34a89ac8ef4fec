import type { Hash } from 'node:crypto'
import type { BlockPool } from './block-pool.ts'

/** Consecutive bytes of a file, in memory that any number of readers may hold at once. */
export interface SharedBlock {
  /** Position of the first byte in the file. */
  start: number
  bytes: Buffer
  filled: number
  /** Number of readers that hold the block; only at 0 is its memory used for other bytes. */
  holders: number
  isInWindow: boolean
  /** The digest of the file up to the block's end; undefined while more bytes may follow in it. */
  digest?: Hash
}

/** The newest blocks of a file that is read from `start` on. */
export class BlockWindow {
  readonly #start: number
  readonly #most: number
  readonly #pool: BlockPool
  #blocks: SharedBlock[] = []
  #end: number

  /** `most`: maximum of blocks. */
  constructor(start: number, most: number, pool: BlockPool) {
    this.#start = start
    this.#end = start
    this.#most = most
    this.#pool = pool
  }

  /** True until the first byte is gone. */
  get hasStart(): boolean {
    return this.#end === this.#start || this.#blocks[0]?.start === this.#start
  }

  /** True if the next chunk, of `length` bytes, takes the place of the oldest block. */
  isFullFor(length: number): boolean {
    return this.#blocks.length >= this.#most && !this.#fits(length)
  }

  /** Makes room for the next chunk; `digest` is called if a block is complete before it. */
  makeRoom(length: number, digest: () => Hash): void {
    if (this.#fits(length)) return
    const complete = this.#blocks.at(-1)
    if (complete !== undefined) complete.digest = digest()
    if (this.#blocks.length >= this.#most) this.#remove(1)
    const bytes = this.#pool.take(length)
    this.#blocks.push({ start: this.#end, bytes, filled: 0, holders: 0, isInWindow: true })
  }

  /** Copies a chunk for which there is room. */
  append(chunk: Buffer): void {
    const newest = this.#blocks.at(-1)
    if (newest === undefined || !this.#fits(chunk.length)) throw new Error('no room was made for the chunk')
    newest.filled += chunk.copy(newest.bytes, newest.filled)
    this.#end += chunk.length
  }

  /** The block that has the byte at `position`. */
  at(position: number): SharedBlock | undefined {
    return this.#blocks.find((block) => has(block, position))
  }

  /**
   * The block that has the byte at `position`, held until release(): `held`, even if it is no
   * longer in the window, or another one, for which `held` is released.
   */
  hold(position: number, held: SharedBlock | undefined): SharedBlock | undefined {
    if (held !== undefined && has(held, position)) return held
    const block = this.at(position)
    if (block === undefined) return undefined
    if (held !== undefined) this.release(held)
    block.holders += 1
    return block
  }

  /** A block whose bytes may still be in a failed write must not be released. */
  release(block: SharedBlock): void {
    block.holders -= 1
    this.#reuse(block)
  }

  /** Removes all blocks; nothing can be appended any more. */
  clear(): void {
    this.#remove(this.#blocks.length)
  }

  #remove(count: number): void {
    for (const block of this.#blocks.splice(0, count)) {
      block.isInWindow = false
      this.#reuse(block)
    }
  }

  #reuse({ isInWindow, holders, bytes }: SharedBlock): void {
    if (!isInWindow && holders === 0) this.#pool.give(bytes)
  }

  #fits(length: number): boolean {
    const newest = this.#blocks.at(-1)
    return newest !== undefined && newest.filled + length <= newest.bytes.length
  }
}

function has({ start, filled }: SharedBlock, position: number): boolean {
  return position >= start && position < start + filled
}
