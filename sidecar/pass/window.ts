/**
 * Results in the order in which their tasks were begun, while many are under way: `emit` is called with each, one
 * after the other. A task that is slow holds back those behind it, up to `limit` of them.
 */
export class Window<T> {
  readonly #limit: number
  readonly #emit: (result: T) => void
  readonly #slots: Slot<T>[] = []
  #failure: { error: unknown } | undefined

  constructor(limit: number, emit: (result: T) => void) {
    this.#limit = limit
    this.#emit = emit
  }

  /** Adds a task that never rejects; resolves when there is room for the next one. Rejects with what `emit` throws. */
  async add(task: Promise<T>): Promise<void> {
    const slot: Slot<T> = { ended: Promise.resolve() }
    slot.ended = task.then((result) => {
      slot.done = { result }
      this.#emitDone()
    })
    this.#slots.push(slot)
    await this.#shrinkBelow(this.#limit)
  }

  /** Adds a result that is there already. */
  addResult(result: T): void {
    this.#slots.push({ ended: Promise.resolve(), done: { result } })
    this.#emitDone()
  }

  /** Resolves when all results are emitted. Rejects with what `emit` throws. */
  async drain(): Promise<void> {
    await this.#shrinkBelow(1)
  }

  async #shrinkBelow(length: number): Promise<void> {
    while (this.#slots.length >= length && this.#failure === undefined) await this.#slots[0]?.ended
    if (this.#failure === undefined) return
    // Whoever is told of a failure may rely on nothing being under way.
    await Promise.all(this.#slots.map((slot) => slot.ended))
    throw this.#failure.error
  }

  #emitDone(): void {
    if (this.#failure !== undefined) return
    try {
      for (let first = this.#slots[0]; first?.done !== undefined; first = this.#slots[0]) {
        this.#slots.shift()
        this.#emit(first.done.result)
      }
    } catch (error) {
      this.#failure = { error }
    }
  }
}

interface Slot<T> {
  ended: Promise<void>
  done?: { result: T }
}
