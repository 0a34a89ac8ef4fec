/** Lets so many in at once, and so many of one name, the others in the order of their coming. */
export class Slots<Name extends string = string> {
  readonly #ofOneName: number
  #free: number
  readonly #taken = new Map<Name | undefined, number>()
  #waiting: { name: Name | undefined; enter: () => void }[] = []

  constructor(count: number, ofOneName = count) {
    this.#free = count
    this.#ofOneName = ofOneName
  }

  /** Resolves with the function that gives the slot back. */
  async take(name?: Name): Promise<() => void> {
    if (this.#hasRoom(name)) this.#enter(name)
    else await new Promise<void>((enter) => this.#waiting.push({ name, enter }))
    return () => this.#leave(name)
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
