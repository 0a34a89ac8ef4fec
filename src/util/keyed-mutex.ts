/** A mutex for each key: one holder at a time, the others wait in the order of their calls. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>()

  isLocked(key: string): boolean {
    return this.#tails.has(key)
  }

  /** The result of `work`, which holds the key until it settles. */
  async locked<T>(key: string, work: () => Promise<T>): Promise<T> {
    const unlock = await this.lock(key)
    try {
      return await work()
    } finally {
      unlock()
    }
  }

  /** Resolves with the function that unlocks the key; a second call of it does nothing. */
  async lock(key: string): Promise<() => void> {
    const before = this.#tails.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tails.set(key, promise)
    await before
    return () => {
      if (this.#tails.get(key) === promise) this.#tails.delete(key)
      resolve()
    }
  }
}
