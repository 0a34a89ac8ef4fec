/** How many requests may be under way at once, and what that rests on. */
export interface Pace {
  limit: number
  /** The least mean of a round that was seen lately, in milliseconds: an answer without a queue before it. */
  leastMs: number
}

/** As many answers as requests may be under way at once. */
export interface Round {
  /** Of the answers that were successes. */
  meanMs: number
  /** Answers that were none: 503 SlowDown, other 5xx, resets, timeouts. */
  refused: number
  /** Somebody waited for their turn: more at once might be of use. */
  saturated: boolean
}

export const paceBounds = { first: 16, most: 64, leastWhileAnswering: 8 }

/**
 * The pace after a round. A store that refuses gets half as many at once, down to one. Else, by Little's law, answers that
 * take longer in proportion to the number under way only queue: beyond four times the least fewer are as fast, and
 * below twice the least more are faster.
 */
export function nextPace({ limit, leastMs }: Pace, { meanMs, refused, saturated }: Round): Pace {
  const { most, leastWhileAnswering } = paceBounds
  if (refused > 0) return { limit: Math.max(1, Math.floor(limit / 2)), leastMs }
  // What was once possible may be so no more: it is forgotten by and by.
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
