/**
 * Lends buffers of one size; each goes back with release(). Served in order, except for those taken
 * ahead.
 */
export interface BufferLender {
  /** `isAhead`: before everyone who waits already. */
  take(isAhead?: boolean): Promise<Buffer>
  release(buffer: Buffer): void
}

/** A fixed number of buffers, each made when it is first needed. */
export class BufferPool implements BufferLender {
  readonly #bytes: number
  readonly #idle: Buffer[] = []
  readonly #waiting: ((buffer: Buffer) => void)[] = []
  #unmade: number

  constructor(count: number, bytes: number) {
    this.#unmade = count
    this.#bytes = bytes
  }

  take(isAhead = false): Promise<Buffer> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#unmade > 0) {
      this.#unmade -= 1
      // Not from Node's shared slab: this memory must never be moved, or freed in parts.
      return Promise.resolve(Buffer.allocUnsafeSlow(this.#bytes))
    }
    return new Promise((resolve) => {
      if (isAhead) this.#waiting.unshift(resolve)
      else this.#waiting.push(resolve)
    })
  }

  release(buffer: Buffer): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(buffer)
    else next(buffer)
  }
}

/** Runs a task with a buffer of the lender. */
export async function withBuffer<R>(
  lender: BufferLender,
  task: (buffer: Buffer) => Promise<R>,
  isAhead = false,
): Promise<R> {
  const buffer = await lender.take(isAhead)
  try {
    return await task(buffer)
  } finally {
    lender.release(buffer)
  }
}
