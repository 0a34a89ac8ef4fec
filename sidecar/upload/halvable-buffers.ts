import type { BufferLender } from './buffer-pool.ts'

/**
 * Buffers of one size that are lent whole or as halves, each made when it is first needed. Served
 * in order, so that a whole one becomes free though halves are asked for all the time.
 */
export class HalvableBuffers {
  readonly #wholeBytes: number
  readonly #blocks: Block[] = []
  readonly #lent = new Map<Buffer, { block: Block; halves: readonly number[] }>()
  readonly #waiting: { isWhole: boolean; serve: (buffer: Buffer) => void }[] = []
  #unmade: number

  constructor(count: number, wholeBytes: number) {
    this.#unmade = count
    this.#wholeBytes = wholeBytes
  }

  readonly wholes: BufferLender = {
    take: (isAhead) => this.#take(true, isAhead),
    release: (buffer) => this.#release(buffer),
  }

  readonly halves: BufferLender = {
    take: (isAhead) => this.#take(false, isAhead),
    release: (buffer) => this.#release(buffer),
  }

  #take(isWhole: boolean, isAhead = false): Promise<Buffer> {
    const free = this.#waiting.length === 0 ? this.#find(isWhole) : undefined
    if (free !== undefined) return Promise.resolve(free)
    return new Promise((serve) => {
      if (isAhead) this.#waiting.unshift({ isWhole, serve })
      else this.#waiting.push({ isWhole, serve })
    })
  }

  #release(buffer: Buffer): void {
    const { block, halves } = this.#lent.get(buffer) ?? {}
    if (block === undefined || halves === undefined) throw new Error('a buffer was released twice')
    this.#lent.delete(buffer)
    for (const half of halves) block.isFree[half] = true
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const free = this.#find(first.isWhole)
      if (free === undefined) return
      this.#waiting.shift()
      first.serve(free)
    }
  }

  #find(isWhole: boolean): Buffer | undefined {
    // The other half of a block that is lent already, so that other blocks stay whole.
    const fitting = this.#blocks.filter(({ isFree: [a, b] }) => (isWhole ? a && b : a !== b))
    const block = fitting[0] ?? this.#blocks.find(({ isFree: [a, b] }) => a && b) ?? this.#make()
    if (block === undefined) return undefined
    const first = block.isFree[0] ? 0 : 1
    const halves = isWhole ? [0, 1] : [first]
    for (const half of halves) block.isFree[half] = false
    const [start, length] = [first * (this.#wholeBytes / 2), halves.length * (this.#wholeBytes / 2)]
    const buffer = block.memory.subarray(start, start + length)
    this.#lent.set(buffer, { block, halves })
    return buffer
  }

  #make(): Block | undefined {
    if (this.#unmade === 0) return undefined
    this.#unmade -= 1
    // Not from Node's shared slab: this memory must never be moved, or freed in parts.
    const block = { memory: Buffer.allocUnsafeSlow(this.#wholeBytes), isFree: [true, true] }
    this.#blocks.push(block)
    return block
  }
}

interface Block {
  memory: Buffer
  isFree: boolean[]
}
