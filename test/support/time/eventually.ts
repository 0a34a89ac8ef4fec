import { setTimeout as sleep } from 'node:timers/promises'
import { patience } from './patience.ts'

export interface Waiting {
  /** Milliseconds that it takes on a quiet machine; it waits `patience` times as long. */
  within?: number
  /** Milliseconds that the program under test promises, in place of `within`. */
  atMost?: number
  every?: number
}

/**
 * Calls `attempt` every `every` milliseconds until it neither throws nor rejects, and resolves
 * with its result. Throws its last error when the time is over.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { within = 10_000, atMost = within * patience, every = 100 }: Waiting = {},
): Promise<T> {
  const end = Date.now() + atMost
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() >= end) throw error
      await sleep(every)
    }
  }
}
