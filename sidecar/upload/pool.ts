/** Whoever takes an item gives it back with release(). */
export interface Lender<T> {
  take(): Promise<T>
  release(item: T): void
}

/** A fixed number of things that are lent out one at a time each; who comes first is served first. */
export class Pool<T> implements Lender<T> {
  readonly #make: () => T
  readonly #idle: T[] = []
  readonly #waiting: ((item: T) => void)[] = []
  #unmade: number

  /** `make` is called when one is first needed, `count` times at most. */
  constructor(count: number, make: () => T) {
    this.#unmade = count
    this.#make = make
  }

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

  use<R>(task: (item: T) => Promise<R>): Promise<R> {
    return using(this, task)
  }
}

/** Runs a task with an item. */
export async function using<T, R>(lender: Lender<T>, task: (item: T) => Promise<R>): Promise<R> {
  const item = await lender.take()
  try {
    return await task(item)
  } finally {
    lender.release(item)
  }
}
