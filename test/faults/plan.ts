import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { it } from 'vitest'
import { patience } from '../support/time/patience.ts'

/**
 * True under `npm run faults`: FAULTS_ROUNDS rounds of each fault, with outages of FAULTS_SECONDS.
 * With the other tests each fault has one round, and an outage lasts a few seconds.
 */
export const atLength = process.env.FAULTS_ROUNDS !== undefined

/**
 * Duration of an outage in seconds: FAULTS_SECONDS, else 90 at length and 5 with the other tests.
 */
export const outageSeconds = Number(process.env.FAULTS_SECONDS ?? (atLength ? 90 : 5))

/** Number of rounds of each fault. */
export const rounds = Number(process.env.FAULTS_ROUNDS ?? 1)

/**
 * Defines `rounds` tests of one fault, so that no round's failure hides another's. `sentence` has
 * the form 'what happens → how it ends'; `seconds` is a round's upper bound without its outage on a
 * quiet machine.
 */
export function fault(sentence: string, seconds: number, body: (round: number) => Promise<void>): void {
  const timeout = (patience * seconds + 2 * outageSeconds) * 1000
  for (let round = 1; round <= rounds; round++) {
    it(rounds === 1 ? sentence : `${sentence} (round ${round})`, { timeout }, () => body(round))
  }
}

/** Waits a random time below `longestMilliseconds` and logs it, so that the rounds differ. */
export async function someMoment(longestMilliseconds: number): Promise<void> {
  const milliseconds = randomInt(longestMilliseconds)
  console.info(`the fault comes after ${milliseconds} ms`)
  await sleep(milliseconds)
}

/** Waits for the duration of an outage. */
export function outage(): Promise<void> {
  return sleep(outageSeconds * 1000)
}
