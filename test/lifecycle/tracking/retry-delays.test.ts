import { expect, it } from 'vitest'
import { failureDelay, manifestLookupDelay } from '../../../src/lifecycle/tracking/retry-delays.ts'

it('doubles the delay at each failure in a row, up to 10 s', () => {
  expect([0, 1, 2, 5, 6, 5000].map(failureDelay)).toEqual([250, 500, 1000, 8000, 10_000, 10_000])
})

it.each([0, 9_999, 10_000, 10_001, 20_000, 60_000, 100_000, 3_600_000])(
  'looks up a manifest so often that it is found in time after %i ms, though an answer takes 20 ms',
  (storingMs) => {
    const foundWithin = manifestLookupDelay(storingMs) + 20
    expect(foundWithin).toBeLessThanOrEqual(Math.min(1000, Math.max(100, storingMs / 100)))
    expect(manifestLookupDelay(storingMs)).toBeGreaterThanOrEqual(50)
  },
)
