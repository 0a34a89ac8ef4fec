import type { Lender } from './pool.ts'

/**
 * Buffers of one size that are lent whole or as halves; who comes first is served first, so that a whole one comes
 * free though halves are asked for all the time. Made when first needed.
 */
export class Slabs {
  readonly #wholeBytes: number
  readonly #slabs: Slab[] = []
  readonly #lent = new Map<Buffer, { slab: Slab; halves: readonly number[] }>()
  readonly #waiting: { isWhole: boolean; serve: (buffer: Buffer) => void }[] = []
  #unmade: number

  constructor(count: number, wholeBytes: number) {
    this.#unmade = count
    this.#wholeBytes = wholeBytes
  }

  readonly wholes: Lender<Buffer> = {
    take: (isAhead) => this.#take(true, isAhead),
    release: (buffer) => this.#release(buffer),
  }

  readonly halves: Lender<Buffer> = {
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
    const { slab, halves } = this.#lent.get(buffer) ?? {}
    if (slab === undefined || halves === undefined) throw new Error('a buffer was given back twice')
    this.#lent.delete(buffer)
    for (const half of halves) slab.isFree[half] = true
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const free = this.#find(first.isWhole)
      if (free === undefined) return
      this.#waiting.shift()
      first.serve(free)
    }
  }

  #find(isWhole: boolean): Buffer | undefined {
    // A half of what is lent already leaves another one whole.
    const fitting = this.#slabs.filter(({ isFree: [a, b] }) => (isWhole ? a && b : a !== b))
    const slab = fitting[0] ?? this.#slabs.find(({ isFree: [a, b] }) => a && b) ?? this.#make()
    if (slab === undefined) return undefined
    const first = slab.isFree[0] ? 0 : 1
    const halves = isWhole ? [0, 1] : [first]
    for (const half of halves) slab.isFree[half] = false
    const [start, length] = [first * (this.#wholeBytes / 2), halves.length * (this.#wholeBytes / 2)]
    const buffer = slab.memory.subarray(start, start + length)
    this.#lent.set(buffer, { slab, halves })
    return buffer
  }

  #make(): Slab | undefined {
    if (this.#unmade === 0) return undefined
    this.#unmade -= 1
    // Not from Node's shared slab: it must never be moved or freed piecemeal.
    const slab = { memory: Buffer.allocUnsafeSlow(this.#wholeBytes), isFree: [true, true] }
    this.#slabs.push(slab)
    return slab
  }
}

interface Slab {
  memory: Buffer
  isFree: boolean[]
}
