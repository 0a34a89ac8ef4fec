import { setTimeout as realSleep, setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../../src/util/clock.ts'

/** A clock that only a test advances. */
export interface ManualClock extends Clock {
  /**
   * Advances by `milliseconds`; fires each timer at its time and
   * lets promises settle before the next.
   */
  advance(milliseconds: number): Promise<void>
  /** As advance(), but synchronous: promises that a timer settles take effect later. */
  advanceSync(milliseconds: number): void
  /** Number of timers that are neither fired nor cancelled. */
  readonly pending: number
  /**
   * Calls `attempt` until it neither throws nor rejects, and resolves with its result. Between two
   * calls it waits a real millisecond, for I/O, and advances by `step` milliseconds, up to
   * `within` in all. Throws the last error once both `within` and five real seconds are over.
   */
  until<T>(attempt: () => T | Promise<T>, options?: { within?: number; step?: number }): Promise<T>
}

/** `now`: the start time in milliseconds since the epoch. */
export function manualClock(now = Date.now()): ManualClock {
  return new Moved(now)
}

class Moved implements ManualClock {
  #now: number
  #timers = new Set<{ at: number; run: () => void }>()

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  get pending(): number {
    return this.#timers.size
  }

  setTimeout(run: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + Math.max(0, milliseconds), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  sleep(milliseconds: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = () => {
        cancel()
        reject(new DOMException('The operation was aborted', 'AbortError'))
      }
      const cancel = this.setTimeout(() => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      }, milliseconds)
      if (signal?.aborted) aborted()
      else signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await turns()
    while (this.#fireFirst(end)) await turns()
    this.#now = end
  }

  advanceSync(milliseconds: number): void {
    const end = this.#now + milliseconds
    while (this.#fireFirst(end)) {}
    this.#now = end
  }

  async until<T>(
    attempt: () => T | Promise<T>,
    { within = 60_000, step = 50 }: { within?: number; step?: number } = {},
  ): Promise<T> {
    const end = this.#now + within
    const realEnd = performance.now() + 5000
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (this.#now >= end && performance.now() >= realEnd) throw error
      }
      await realSleep(1)
      await this.advance(Math.min(step, end - this.#now))
    }
  }

  /** Fires the first timer that is due at `end`; returns false if there is none. */
  #fireFirst(end: number): boolean {
    let first: { at: number; run: () => void } | undefined
    for (const timer of this.#timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer
    if (!first) return false
    this.#timers.delete(first)
    this.#now = Math.max(this.#now, first.at)
    first.run()
    return true
  }
}

/** Lets promises settle and short I/O complete. */
async function turns(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await turn()
}
