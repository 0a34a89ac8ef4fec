const quickest = { say: 2000, store: 5000 } as const
const slowest = 30_000
const share = 360
const repeat = 600_000

/**
 * How long after the last time a changed word is said, or changed values are stored: 2 and 5 s,
 * after hours up to 30 s, so that a day's lines are a few thousand.
 */
export function pauseBefore(what: keyof typeof quickest, ranMilliseconds: number): number {
  return Math.min(slowest, Math.max(quickest[what], ranMilliseconds / share))
}

/** A silence is said again that often: it counts for a program only from the program's start on. */
export function silencePause(heartbeatMilliseconds: number): number {
  return Math.min(slowest, Math.max(quickest.say, heartbeatMilliseconds / 2))
}

/** An unchanged word is said again that often, since old logs are rotated away. */
export const repeatMilliseconds = repeat
