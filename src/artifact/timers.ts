/** More milliseconds make Node's timers fire at once. */
export const longestTimer = 2 ** 31 - 1

/**
 * Waits for the first of the promises, at most `milliseconds`; whether one of them came in time. Rejects where the
 * first one does; what the others do later is nobody's business.
 */
export async function within(milliseconds: number, ...promises: Promise<unknown>[]): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), Math.min(Math.max(milliseconds, 0), longestTimer))
  try {
    return await Promise.race([late, ...promises.map((promise) => promise.then(() => true))])
  } finally {
    clearTimeout(timer)
  }
}
