import { backoff } from '../util/backoff.ts'
import { type Clock, systemClock } from '../util/clock.ts'
import { Problem } from '../util/errors.ts'

const maxTries = 20
/**
 * The jitter is the whole delay, so that replicas in conflict don't write at the same moment again.
 */
const conflictDelay = backoff({ first: 10, max: 100, jitter: 1 })

/**
 * Calls `change`, which reads a version and writes the next one, until it resolves with its result.
 * Undefined means that another replica wrote first. Rejects as `change` does, and with a Problem
 * `unavailable` that names `what` if the conflicts continue.
 */
export async function updateWithRetry<Changed>(
  what: string,
  change: () => Promise<{ changed: Changed } | undefined>,
  clock: Clock = systemClock,
): Promise<Changed> {
  for (let tries = 1; tries <= maxTries; tries++) {
    const done = await change()
    if (done) return done.changed
    await clock.sleep(conflictDelay(tries))
  }
  throw new Problem('unavailable', `${what} is being changed by too many requests at once`, {
    retryAfterSeconds: 1,
  })
}
