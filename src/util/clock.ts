import { setTimeout as nodeSleep } from 'node:timers/promises'

/** The time and timers for all code that waits; tests use a clock that they advance by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once, in `milliseconds`; returns the function that cancels the timer. */
  setTimeout(run: () => void, milliseconds: number, options?: TimerOptions): () => void
  /** Resolves in `milliseconds`. Rejects with an AbortError once `signal` is aborted. */
  sleep(milliseconds: number, options?: TimerOptions & { signal?: AbortSignal | undefined }): Promise<void>
}

export interface TimerOptions {
  /** False: the timer alone doesn't keep the process running. */
  ref?: boolean
}

/** Node's maximum in milliseconds: a timer with a longer delay fires immediately. */
export const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),

  setTimeout(run, milliseconds, { ref = true } = {}) {
    const timer = setTimeout(run, timerDelay(milliseconds))
    if (!ref) timer.unref()
    return () => clearTimeout(timer)
  },

  sleep: (milliseconds, options) => nodeSleep(timerDelay(milliseconds), undefined, options as object),
}

function timerDelay(milliseconds: number): number {
  return Math.min(Math.max(milliseconds, 0), longestTimer)
}
