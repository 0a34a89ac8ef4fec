import { retriedForHours, retryDelay } from '../../src/artifact/retry.ts'
import { pause } from '../pause.ts'
import { type Obstacle, obstacleOf } from './obstacle.ts'

/** What a call rejects with that was not begun, or was cut off, because halt() was called. */
export class Halted extends Error {
  override name = 'Halted'
}

/** How the calls under way fare, in milliseconds from now. */
export interface Trouble {
  /** What the newest of the calls that fail at this moment fails with; undefined where none does. */
  obstacle?: Obstacle
  /** Since the first of them failed. */
  failingMs: number
  /** Until the next of them is tried again. */
  againMs: number
  /** Since any call succeeded while others wait for an answer; 0 where none waits. */
  waitingMs: number
}

/**
 * Calls to the store, each repeated until it succeeds: outages end, credentials are renewed, quotas raised. What
 * ends the trying is halt() alone, or an answer that will not change.
 */
export class StoreCalls {
  readonly #storeName: string
  readonly #halted = new AbortController()
  readonly #cutOff = new AbortController()
  /** Each with its begin. */
  readonly #underWay = new Map<Promise<unknown>, number>()
  readonly #failing = new Map<symbol, { obstacle: Obstacle; since: number; againAt: number }>()
  #succeededAt = 0
  #leastMs = Number.POSITIVE_INFINITY

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  /** Aborted by halt(). */
  get halted(): AbortSignal {
    return this.#halted.signal
  }

  /** How long the quickest successful call took so far. */
  get leastMs(): number {
    return this.#leastMs
  }

  get trouble(): Trouble {
    const now = performance.now()
    const failing = [...this.#failing.values()]
    const waitingSince = Math.max(this.#succeededAt, Math.min(...this.#underWay.values()))
    const newest = failing.at(-1)?.obstacle
    return {
      ...(newest === undefined ? {} : { obstacle: newest }),
      failingMs: failing.length === 0 ? 0 : now - Math.min(...failing.map(({ since }) => since)),
      againMs: failing.length === 0 ? 0 : Math.min(...failing.map(({ againAt }) => againAt)) - now,
      waitingMs: this.#underWay.size === 0 ? 0 : now - waitingSince,
    }
  }

  /**
   * Repeats `operation` until it succeeds; `what` says for people what it does. Rejects with Halted, and with the
   * operation's own error where trying again won't help.
   */
  async run<T>(what: string, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const call = Symbol(what)
    try {
      for (let failures = 1; ; failures += 1) {
        const delay = retryDelay(failures, Math.random())
        try {
          const result = await this.#once(operation)
          this.#succeededAt = performance.now()
          return result
        } catch (error) {
          if (this.#halted.signal.aborted) throw new Halted(what)
          // What is not found is the bucket: that a single object may be absent, its callers handle.
          if (!retriedForHours(error)) throw error
          this.#note(call, obstacleOf(error, what, this.#storeName), delay)
        }
        await pause(delay, this.#halted.signal)
      }
    } finally {
      this.#failing.delete(call)
    }
  }

  /**
   * Begins no more calls, gives those under way that many milliseconds to end, then cuts them off; resolves when
   * none is under way. A request whose bytes have all arrived takes effect even if it is cut off: so they are
   * better awaited.
   */
  async halt(patienceMs: number): Promise<void> {
    this.#halted.abort()
    const ended = Promise.allSettled(this.#underWay.keys())
    const ending = new AbortController()
    await Promise.race([ended, pause(patienceMs, ending.signal)])
    ending.abort()
    this.#cutOff.abort(new Halted('cut off'))
    await ended
  }

  async #once<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#halted.signal.aborted) throw new Halted('not begun')
    const running = operation(this.#cutOff.signal)
    const begun = performance.now()
    this.#underWay.set(running, begun)
    try {
      const result = await running
      this.#leastMs = Math.min(this.#leastMs, performance.now() - begun)
      return result
    } finally {
      this.#underWay.delete(running)
    }
  }

  #note(call: symbol, obstacle: Obstacle, delay: number): void {
    const now = performance.now()
    const since = this.#failing.get(call)?.since ?? now
    this.#failing.delete(call)
    this.#failing.set(call, { obstacle, since, againAt: now + delay })
  }
}
