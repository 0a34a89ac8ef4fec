import { StoreError } from '../../src/artifact/store.ts'
import { nextPace, type Pace, paceBounds } from './pace.ts'

/** Lets so many requests be under way as the store's answers suggest (pace.ts); who comes first is served first. */
export class Turns {
  #pace: Pace = { limit: paceBounds.first, leastMs: Number.POSITIVE_INFINITY }
  #underWay = 0
  readonly #waiting: (() => void)[] = []
  #round = newRound()

  get limit(): number {
    return this.#pace.limit
  }

  /** Runs a task once it is its turn. It keeps its turn while it waits to try again: that alone makes it fewer. */
  async take<R>(task: () => Promise<R>): Promise<R> {
    if (this.#underWay >= this.#pace.limit) {
      this.#round.saturated = true
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#underWay += 1
    try {
      return await task()
    } finally {
      this.#underWay -= 1
      this.#admit()
    }
  }

  /** Notes how one request, of several that a task may make, was answered. */
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
    if (answered + refused < this.#pace.limit) return
    const meanMs = answered === 0 ? Number.POSITIVE_INFINITY : sumMs / answered
    this.#pace = nextPace(this.#pace, { meanMs, refused, saturated })
    this.#round = newRound()
    this.#admit()
  }

  #admit(): void {
    while (this.#underWay < this.#pace.limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#underWay += 1
      next()
    }
  }
}

function newRound() {
  return { answered: 0, refused: 0, sumMs: 0, saturated: false }
}
