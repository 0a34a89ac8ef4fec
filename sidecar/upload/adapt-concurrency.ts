/** How many requests may be in flight, and the measure behind it. */
export interface ConcurrencyState {
  limit: number
  /** The least mean of recent rounds, in milliseconds: an answer without a queue before it. */
  leastMs: number
}

/** As many answers as requests may be in flight. */
export interface Round {
  /** Of the successful answers. */
  meanMs: number
  /** 503 SlowDown, other 5xx, resets and timeouts. */
  refused: number
  /** Requests waited for the limit: a higher one may help. */
  saturated: boolean
}

export const concurrencyBounds = { first: 16, most: 64, leastWhileAnswering: 8 }

/**
 * The limit after a round. A store that refuses requests gets half as many, down to one. Otherwise,
 * by Little's law, answers that take longer in proportion to the number in flight only wait in a
 * queue: above four times the least time a lower limit is as fast, below twice the least time a
 * higher one is faster.
 */
export function adaptConcurrency(
  { limit, leastMs }: ConcurrencyState,
  { meanMs, refused, saturated }: Round,
): ConcurrencyState {
  const { most, leastWhileAnswering } = concurrencyBounds
  if (refused > 0) return { limit: Math.max(1, Math.floor(limit / 2)), leastMs }
  // The store may have become slower for good: the least time fades.
  const least = Math.min(leastMs * 1.02, meanMs)
  if (meanMs > 4 * least)
    return {
      limit: Math.max(Math.min(limit, leastWhileAnswering), limit - Math.ceil(limit / 8)),
      leastMs: least,
    }
  if (saturated && meanMs < 2 * least)
    return { limit: Math.min(most, limit + Math.ceil(limit / 4)), leastMs: least }
  return { limit, leastMs: least }
}
