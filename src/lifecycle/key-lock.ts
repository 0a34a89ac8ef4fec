/** Lets one holder of a key in at a time, in the order of their coming. */
export class KeyLock {
  readonly #tails = new Map<string, Promise<void>>()

  isLocked(key: string): boolean {
    return this.#tails.has(key)
  }

  /** Resolves with the function that lets the next one in; calling it again does nothing. */
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
