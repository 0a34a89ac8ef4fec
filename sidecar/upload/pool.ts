/** Whoever takes an item gives it back with release(). */
export interface Lender<T> {
  /** `isAhead`: before those that wait already. */
  take(isAhead?: boolean): Promise<T>
  release(item: T): void
}

/** A fixed number of things that are lent out one at a time each; who comes first is served first, but for who is let ahead. */
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

  take(isAhead = false): Promise<T> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#unmade > 0) {
      this.#unmade -= 1
      return Promise.resolve(this.#make())
    }
    return new Promise((resolve) => {
      if (isAhead) this.#waiting.unshift(resolve)
      else this.#waiting.push(resolve)
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
export async function using<T, R>(
  lender: Lender<T>,
  task: (item: T) => Promise<R>,
  isAhead = false,
): Promise<R> {
  const item = await lender.take(isAhead)
  try {
    return await task(item)
  } finally {
    lender.release(item)
  }
}
