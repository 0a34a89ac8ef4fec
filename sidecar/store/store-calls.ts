import { retriedForHours, retryDelay } from '../../src/artifact/retry.ts'
import type { Log } from '../../src/log.ts'
import { pause } from '../pause.ts'
import { type Obstacle, obstacleOf } from './obstacle.ts'

/** What a call rejects with that was not begun, or was cut off, because halt() was called. */
export class Halted extends Error {
  override name = 'Halted'
}

/**
 * Calls to the store, each repeated until it succeeds: outages end, credentials are renewed, quotas raised. What
 * ends the trying is halt() alone, or an answer that will not change.
 */
export class StoreCalls {
  readonly #storeName: string
  readonly #log: Log
  readonly #halted = new AbortController()
  readonly #cutOff = new AbortController()
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #failing = new Map<symbol, Obstacle>()
  #loggedAt = Number.NEGATIVE_INFINITY

  constructor(storeName: string, log: Log) {
    this.#storeName = storeName
    this.#log = log
  }

  /** Aborted by halt(). */
  get halted(): AbortSignal {
    return this.#halted.signal
  }

  /** What the newest of the calls that fail at this moment fails with. */
  get obstacle(): Obstacle | undefined {
    return [...this.#failing.values()].at(-1)
  }

  /**
   * Repeats `operation` until it succeeds; `what` says for people what it does. Rejects with Halted, and with the
   * operation's own error where trying again won't help.
   */
  async run<T>(what: string, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const call = Symbol(what)
    try {
      for (let failures = 1; ; failures += 1) {
        try {
          return await this.#once(operation)
        } catch (error) {
          if (this.#halted.signal.aborted) throw new Halted(what)
          // What is not found is the bucket: that a single object may be absent, its callers handle.
          if (!retriedForHours(error)) throw error
          this.#note(call, obstacleOf(error, what, this.#storeName))
        }
        await pause(retryDelay(failures, Math.random()), this.#halted.signal)
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
    const ended = Promise.allSettled(this.#underWay)
    const ending = new AbortController()
    await Promise.race([ended, pause(patienceMs, ending.signal)])
    ending.abort()
    this.#cutOff.abort(new Halted('cut off'))
    await ended
  }

  async #once<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#halted.signal.aborted) throw new Halted('not begun')
    const running = operation(this.#cutOff.signal)
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  #note(call: symbol, obstacle: Obstacle): void {
    this.#failing.delete(call)
    this.#failing.set(call, obstacle)
    // Dozens of calls fail together: one line a second says it.
    if (performance.now() - this.#loggedAt < 1000) return
    this.#loggedAt = performance.now()
    this.#log.warn({ ...obstacle, failing: this.#failing.size }, 'trying again')
  }
}
