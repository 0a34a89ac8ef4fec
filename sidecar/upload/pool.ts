/** A fixed number of things that are lent out one at a time each; who comes first is served first. */
export class Pool<T> {
  readonly #make: () => T
  readonly #idle: T[] = []
  readonly #waiting: ((item: T) => void)[] = []
  #unmade: number

  /** `make` is called when one is first needed, `count` times at most. */
  constructor(count: number, make: () => T) {
    this.#unmade = count
    this.#make = make
  }

  /** Whoever takes an item gives it back with release(). */
  take(): Promise<T> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#unmade > 0) {
      this.#unmade -= 1
      return Promise.resolve(this.#make())
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  release(item: T): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(item)
    else next(item)
  }

  /** Runs a task with an item. */
  async use<R>(task: (item: T) => Promise<R>): Promise<R> {
    const item = await this.take()
    try {
      return await task(item)
    } finally {
      this.release(item)
    }
  }
}
