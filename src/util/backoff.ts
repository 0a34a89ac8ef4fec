export interface BackoffOptions {
  /** The longest delay before the second attempt, in milliseconds. */
  first: number
  /** Upper bound of every delay, in milliseconds. */
  max: number
  /** The share of a delay that is random, from 0 to 1: 0.5 gives half to all of it. Default: 0. */
  jitter?: number
  /** How much longer a delay is than the one before. Default: 2. */
  factor?: number
}

/** Milliseconds to wait after attempt number `attempt`, from 1 on; `random` is in [0, 1). */
export type Backoff = (attempt: number, random?: number) => number

/** Exponential backoff: `first`, multiplied by `factor` after each further attempt, up to `max`. */
export function backoff({ first, max, jitter = 0, factor = 2 }: BackoffOptions): Backoff {
  return (attempt, random = Math.random()) =>
    Math.min(max, first * factor ** (attempt - 1)) * (1 - jitter + jitter * random)
}

/** Until a part that may be away for long, as a disk or the store, is asked again. */
export const absenceDelay = backoff({ first: 250, max: 10_000 })
