import { StoreError } from '../../src/store/store.ts'
import { adaptConcurrency, type ConcurrencyState, concurrencyBounds } from './adapt-concurrency.ts'

/** A semaphore whose limit follows the store's answers (adapt-concurrency.ts); served in order. */
export class AdaptiveConcurrency {
  #state: ConcurrencyState = { limit: concurrencyBounds.first, leastMs: Number.POSITIVE_INFINITY }
  #inFlight = 0
  readonly #waiting: (() => void)[] = []
  #round = newRound()

  get limit(): number {
    return this.#state.limit
  }

  /** Runs a task once the limit allows it. A task that waits for its next attempt still counts. */
  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#inFlight >= this.#state.limit) {
      this.#round.saturated = true
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#inFlight += 1
    try {
      return await task()
    } finally {
      this.#inFlight -= 1
      this.#admit()
    }
  }

  /** Measures one of the requests of a task. */
  async timed<R>(request: () => Promise<R>): Promise<R> {
    const start = performance.now()
    try {
      const answer = await request()
      this.#round.sumMs += performance.now() - start
      this.#round.answered += 1
      return answer
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'unavailable') this.#round.refused += 1
      throw error
    } finally {
      this.#endRound()
    }
  }

  #endRound(): void {
    const { answered, refused, sumMs, saturated } = this.#round
    if (answered + refused < this.#state.limit) return
    const meanMs = answered === 0 ? Number.POSITIVE_INFINITY : sumMs / answered
    this.#state = adaptConcurrency(this.#state, { meanMs, refused, saturated })
    this.#round = newRound()
    this.#admit()
  }

  #admit(): void {
    while (this.#inFlight < this.#state.limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#inFlight += 1
      next()
    }
  }
}

function newRound() {
  return { answered: 0, refused: 0, sumMs: 0, saturated: false }
}
