import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls `attempt` until it neither throws nor rejects, and gives what it returned. After `within` milliseconds
 * its last error is thrown.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { within = 10_000, every = 100 }: { within?: number; every?: number } = {},
): Promise<T> {
  const end = Date.now() + within
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() >= end) throw error
      await sleep(every)
    }
  }
}
