/**
 * A semaphore: at most `count` holders at once, and at most `ofOneName` with the same name. The
 * others wait in the order of their calls; a name at its limit does not delay other names.
 */
export class Semaphore<Name extends string = string> {
  readonly #ofOneName: number
  #free: number
  readonly #taken = new Map<Name | undefined, number>()
  #waiting: { name: Name | undefined; enter: () => void }[] = []

  constructor(count: number, ofOneName = count) {
    this.#free = count
    this.#ofOneName = ofOneName
  }

  /**
   * Resolves with the function that releases the semaphore. Rejects with the signal's reason if it
   * is aborted before that: the caller then has no slot, and waits for none.
   */
  async acquire(name?: Name, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#hasRoom(name)) this.#enter(name)
    else await this.#turn(name, signal)
    return () => this.#leave(name)
  }

  #turn(name: Name | undefined, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting)
        reject(signal?.reason)
      }
      const enter = () => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      const waiting = { name, enter }
      this.#waiting.push(waiting)
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  #hasRoom(name: Name | undefined): boolean {
    return this.#free > 0 && (this.#taken.get(name) ?? 0) < this.#ofOneName
  }

  #enter(name: Name | undefined): void {
    this.#free -= 1
    this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1)
  }

  #leave(name: Name | undefined): void {
    const left = (this.#taken.get(name) ?? 1) - 1
    if (left > 0) this.#taken.set(name, left)
    else this.#taken.delete(name)
    this.#free += 1
    const at = this.#waiting.findIndex((one) => this.#hasRoom(one.name))
    const [next] = at === -1 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) return
    this.#enter(next.name)
    next.enter()
  }
}
