import { expect, it } from 'vitest'
import { secondsToNextTry } from '../../../src/messaging/incoming/verdict.ts'

it('tries what passes by itself again after 2, 10 and then 60 seconds, without an end', () => {
  const tries = [0, 1, 2, 3, 1000]
  expect(tries.map((count) => secondsToNextTry('too-many-jobs', count))).toEqual([2, 10, 60, 60, 60])
  for (const code of ['refused', 'unavailable', 'busy'] as const) {
    expect(secondsToNextTry(code, 1000)).toBe(60)
  }
})

it('never tries again what stays wrong', () => {
  for (const code of ['invalid-request', 'forbidden', 'idempotency-key-reused', 'too-large'] as const) {
    expect(secondsToNextTry(code, 0)).toBeUndefined()
  }
})

it('gives up a job that is not there after 5 tries, and a failure of the program after 8', () => {
  expect([3, 4].map((count) => secondsToNextTry('not-found', count))).toEqual([60, undefined])
  expect([6, 7].map((count) => secondsToNextTry('internal', count))).toEqual([60, undefined])
})
