import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { it } from 'vitest'

/**
 * How faults are tried: once and a few seconds long with the other tests, or at length (`npm run faults`), where
 * FAULTS_ROUNDS says how often, and FAULTS_SECONDS how long an outage lasts.
 */
export const atLength = process.env.FAULTS_ROUNDS !== undefined

/** Seconds that an outage lasts: 5, at length 90 unless FAULTS_SECONDS says otherwise. */
export const outageSeconds = Number(process.env.FAULTS_SECONDS ?? (atLength ? 90 : 5))

/** How often each fault is tried. */
export const rounds = Number(process.env.FAULTS_ROUNDS ?? 1)

/**
 * A fault and its outcome, a sentence: tried `rounds` times, each a test of its own, so that none hides another.
 * `seconds` is what one round takes at most beside the outage.
 */
export function fault(sentence: string, seconds: number, body: (round: number) => Promise<void>): void {
  const timeout = (seconds + 2 * outageSeconds) * 1000
  for (let round = 1; round <= rounds; round++) {
    it(rounds === 1 ? sentence : `${sentence} (round ${round})`, { timeout }, () => body(round))
  }
}

/** Waits for a moment that differs from round to round; the test's output names it. */
export async function someMoment(longestMilliseconds: number): Promise<void> {
  const milliseconds = randomInt(longestMilliseconds)
  console.info(`the fault comes after ${milliseconds} ms`)
  await sleep(milliseconds)
}

/** Lasts as long as an outage does. */
export function outage(): Promise<void> {
  return sleep(outageSeconds * 1000)
}
