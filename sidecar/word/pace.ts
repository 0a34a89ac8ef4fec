const quickest = { say: 2000, store: 5000 } as const
const slowest = 30_000
const share = 360
const repeat = 600_000

/**
 * Pause between two lines with a changed word, and between two writes of changed values: 2 and 5 s,
 * after hours up to 30 s, so that a day has a few thousand lines.
 */
export function pauseBefore(what: keyof typeof quickest, ranMilliseconds: number): number {
  return Math.min(slowest, Math.max(quickest[what], ranMilliseconds / share))
}

/** A silence is logged again that often: for a program it counts from the program's start on. */
export function silencePause(heartbeatMilliseconds: number): number {
  return Math.min(slowest, Math.max(quickest.say, heartbeatMilliseconds / 2))
}

/** An unchanged word is logged again that often, since old logs are rotated away. */
export const repeatMilliseconds = repeat
