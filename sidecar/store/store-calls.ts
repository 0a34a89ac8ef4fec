import { retriedForHours, retryDelay } from '../../src/store/retry.ts'
import { defined } from '../../src/util/objects.ts'
import { pause } from '../pause.ts'
import { type Obstacle, obstacleOf } from './obstacle.ts'

/** Rejection of a call that was not begun, or was cut off, because of halt(). */
export class Halted extends Error {
  override name = 'Halted'
}

/** The state of the calls in flight; times are relative to now. */
export interface Trouble {
  /** Of the newest call that is failing; undefined if none is. */
  obstacle?: Obstacle
  /** Since the first of the failing calls failed. */
  failingMs: number
  /** Until the next of them is repeated. */
  againMs: number
  /** Since the last success while calls wait for an answer; 0 if none waits. */
  waitingMs: number
}

/**
 * Calls to the store, each repeated until it succeeds: outages end, credentials are renewed, quotas
 * are raised. Only halt() or a permanent error ends a call.
 */
export class StoreCalls {
  readonly #storeName: string
  readonly #halted = new AbortController()
  readonly #cutOff = new AbortController()
  /** With the time of each one's begin. */
  readonly #inFlight = new Map<Promise<unknown>, number>()
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

  /** Duration of the fastest successful call so far. */
  get leastMs(): number {
    return this.#leastMs
  }

  get trouble(): Trouble {
    const now = performance.now()
    const failing = [...this.#failing.values()]
    const waitingSince = Math.max(this.#succeededAt, Math.min(...this.#inFlight.values()))
    const newest = failing.at(-1)?.obstacle
    return {
      ...defined({ obstacle: newest }),
      failingMs: failing.length === 0 ? 0 : now - Math.min(...failing.map(({ since }) => since)),
      againMs: failing.length === 0 ? 0 : Math.min(...failing.map(({ againAt }) => againAt)) - now,
      waitingMs: this.#inFlight.size === 0 ? 0 : now - waitingSince,
    }
  }

  /**
   * Repeats `operation` until it succeeds; `what` describes it in messages. Rejects with Halted,
   * and with the operation's error if that is permanent.
   */
  async run<T>(what: string, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const call = Symbol(what)
    try {
      for (let failures = 1; ; failures += 1) {
        const delay = retryDelay(failures)
        try {
          const result = await this.#once(operation)
          this.#succeededAt = performance.now()
          return result
        } catch (error) {
          if (this.#halted.signal.aborted) throw new Halted(what)
          // Not-found is repeated: it means the bucket here, as operations handle absent objects
          // themselves.
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
   * Begins no more calls, and cuts off those in flight after `patienceMs`. Resolves when none is in
   * flight. The patience is for requests whose bytes have all arrived: they take effect even if
   * they are cut off.
   */
  async halt(patienceMs: number): Promise<void> {
    this.#halted.abort()
    const ended = Promise.allSettled(this.#inFlight.keys())
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
    this.#inFlight.set(running, begun)
    try {
      const result = await running
      this.#leastMs = Math.min(this.#leastMs, performance.now() - begun)
      return result
    } finally {
      this.#inFlight.delete(running)
    }
  }

  #note(call: symbol, obstacle: Obstacle, delay: number): void {
    const now = performance.now()
    const since = this.#failing.get(call)?.since ?? now
    this.#failing.delete(call)
    this.#failing.set(call, { obstacle, since, againAt: now + delay })
  }
}
