import { orLeft } from './or-left.ts'

/** What a task means for the window while it is under way and its result waits. */
export interface Place {
  /** Its share of the limit; 1. */
  weight: number
  /** Called when everything waits for this task; it may be called more than once. */
  onAwaited?: () => void
}

/** A result that comes together with others: a promise for each of thousands would cost more than they do. */
export interface Pending<T> {
  /** The same one for all that come together; never rejects. */
  ended: Promise<void>
  /** Undefined until then. */
  done(): { result: T } | undefined
}

/**
 * Results in the order in which their tasks were begun, while many are under way: `emit` is called with each, one
 * after the other. A task that is slow holds back those behind it, up to `limit` of them.
 */
export class Window<T> {
  readonly #limit: number
  readonly #emit: (result: T) => void
  readonly #slots: Slot<T>[] = []
  #weight = 0
  readonly #leaving = new AbortController()
  /** What the newest pending result waits for. */
  #awaited: Promise<void> | undefined
  #failure: { error: unknown } | undefined

  constructor(limit: number, emit: (result: T) => void) {
    this.#limit = limit
    this.#emit = emit
  }

  /** Adds a task that never rejects; resolves when there is room for the next one. Rejects with what `emit` throws. */
  async add(task: Promise<T>, place: Place = { weight: 1 }): Promise<void> {
    const slot: Slot<T> = { ...place, ended: Promise.resolve() }
    slot.ended = task.then((result) => {
      slot.done = { result }
      this.#emitDone()
    })
    this.#push(slot)
    await this.#shrinkBelow(this.#limit)
  }

  /** Adds a result that several others come with; as add(). */
  async addPending(pending: Pending<T>, place: Place): Promise<void> {
    if (pending.ended !== this.#awaited) {
      this.#awaited = pending.ended
      // Whoever waits for the first of them hears of it after this.
      void pending.ended.then(() => this.#emitDone())
    }
    this.#push({ ...place, ended: pending.ended, pending })
    await this.#shrinkBelow(this.#limit)
  }

  /** Adds a result that is there already; as add(). */
  async addResult(result: T, weight = 1): Promise<void> {
    this.#push({ weight, ended: Promise.resolve(), done: { result } })
    this.#emitDone()
    await this.#shrinkBelow(this.#limit)
  }

  /** Aborted by leave(). */
  get left(): AbortSignal {
    return this.#leaving.signal
  }

  /** Emits nothing more; whoever waits goes on, though tasks are under way. */
  leave(): void {
    this.#leaving.abort()
  }

  /** Resolves when all results are emitted. Rejects with what `emit` throws. */
  async drain(): Promise<void> {
    await this.#shrinkBelow(0)
  }

  #push(slot: Slot<T>): void {
    this.#slots.push(slot)
    this.#weight += slot.weight
  }

  async #shrinkBelow(weight: number): Promise<void> {
    while (
      this.#slots.length > 0 &&
      this.#weight >= weight &&
      !this.left.aborted &&
      this.#failure === undefined
    ) {
      const [first] = this.#slots
      first?.onAwaited?.()
      if (first !== undefined) await orLeft(first.ended, this.left)
    }
    if (this.#failure === undefined) return
    // Whoever is told of a failure may rely on nothing being under way.
    for (const slot of this.#slots) slot.onAwaited?.()
    await Promise.all(this.#slots.map((slot) => slot.ended))
    throw this.#failure.error
  }

  #emitDone(): void {
    if (this.#failure !== undefined || this.left.aborted) return
    try {
      for (let first = this.#slots[0]; first !== undefined; first = this.#slots[0]) {
        const done = first.pending === undefined ? first.done : first.pending.done()
        if (done === undefined) break
        this.#slots.shift()
        this.#weight -= first.weight
        this.#emit(done.result)
      }
    } catch (error) {
      this.#failure = { error }
    }
  }
}

interface Slot<T> extends Place {
  ended: Promise<void>
  done?: { result: T }
  pending?: Pending<T>
}
