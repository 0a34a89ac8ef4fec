import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../errors.ts'

const maxTries = 20

/**
 * Calls `change`, which reads a version, decides and writes the next one, until it gives what came of that: undefined
 * is that another replica wrote first. Rejects as it does, and with a Problem `unavailable` that names `what` where
 * that goes on.
 */
export async function tryAnew<Changed>(
  what: string,
  change: () => Promise<{ changed: Changed } | undefined>,
): Promise<Changed> {
  for (let tries = 1; tries <= maxTries; tries++) {
    const done = await change()
    if (done) return done.changed
    // Who lost once would lose again to the same ones, all at the same pace.
    await sleep(Math.random() * 10 * tries)
  }
  throw new Problem('unavailable', `${what} changes too fast`, { retryAfterSeconds: 1 })
}
