import { orAborted } from '../pause.ts'

/** A result, or a task whose result is to come, and its share of the window. */
export type WindowItem<T> = {
  weight: number
  /** Called when the window waits for this item; may be called more than once. */
  onAwaited?: () => void
} & ({ result: T } | { promise: Promise<T> } | { group: ResultOfGroup<T> })

/**
 * A result that comes with others: a promise for each of thousands would cost more than the
 * results.
 */
export interface ResultOfGroup<T> {
  /** The same promise for all results of the group; never rejects. */
  ended: Promise<void>
  /** Undefined until `ended`. */
  done(): { result: T } | undefined
}

/**
 * Emits results in the order in which their tasks were begun, while many run at once: `emit` is
 * called for one result after the other. A slow task holds back those behind it, up to a weight of
 * `limit`.
 */
export class Window<T> {
  readonly #limit: number
  readonly #emit: (result: T) => void
  readonly #slots: Slot<T>[] = []
  #weight = 0
  readonly #abort = new AbortController()
  /** The group of the newest item that belongs to one. */
  #group: Promise<void> | undefined
  #failure: { error: unknown } | undefined

  constructor(limit: number, emit: (result: T) => void) {
    this.#limit = limit
    this.#emit = emit
  }

  /**
   * Adds an item, whose promise must not reject. Resolves when there is room; rejects with an error
   * of `emit`.
   */
  async add(item: WindowItem<T>): Promise<void> {
    this.#slots.push(this.#slotOf(item))
    this.#weight += item.weight
    if ('result' in item) this.#emitDone()
    await this.#shrinkBelow(this.#limit)
  }

  /** Aborted by abort(). */
  get aborted(): AbortSignal {
    return this.#abort.signal
  }

  /** Emits nothing more; add() and drain() stop waiting, though tasks still run. */
  abort(): void {
    this.#abort.abort()
  }

  /** Resolves when all results are emitted. Rejects with an error of `emit`. */
  async drain(): Promise<void> {
    await this.#shrinkBelow(0)
  }

  #slotOf(item: WindowItem<T>): Slot<T> {
    const { weight, onAwaited } = item
    const slot: Slot<T> = { weight, onAwaited, ended: Promise.resolve(), done: () => undefined }
    if ('result' in item) slot.done = () => item
    else if ('promise' in item) {
      slot.ended = item.promise.then((result) => {
        slot.done = () => ({ result })
        this.#emitDone()
      })
    } else {
      const { group } = item
      slot.ended = group.ended
      slot.done = () => group.done()
      if (group.ended !== this.#group) {
        this.#group = group.ended
        // Before anyone who awaits the first of the group's slots.
        void group.ended.then(() => this.#emitDone())
      }
    }
    return slot
  }

  async #shrinkBelow(weight: number): Promise<void> {
    while (
      this.#slots.length > 0 &&
      this.#weight >= weight &&
      !this.aborted.aborted &&
      this.#failure === undefined
    ) {
      const [first] = this.#slots
      first?.onAwaited?.()
      if (first !== undefined) await orAborted(first.ended, this.aborted)
    }
    if (this.#failure === undefined) return
    // Callers that see the failure may rely on no task still running.
    for (const slot of this.#slots) slot.onAwaited?.()
    await Promise.all(this.#slots.map((slot) => slot.ended))
    throw this.#failure.error
  }

  #emitDone(): void {
    if (this.#failure !== undefined || this.aborted.aborted) return
    try {
      for (let first = this.#slots[0]; first !== undefined; first = this.#slots[0]) {
        const done = first.done()
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

interface Slot<T> {
  weight: number
  onAwaited: (() => void) | undefined
  ended: Promise<void>
  done: () => { result: T } | undefined
}
