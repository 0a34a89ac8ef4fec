import { expect, it } from 'vitest'
import { backoff } from '../../src/util/backoff.ts'

it('doubles the first delay after each attempt, up to the maximum', () => {
  const delay = backoff({ first: 100, max: 5000 })
  expect([1, 2, 3, 6, 7, 5000].map((attempt) => delay(attempt))).toEqual([100, 200, 400, 3200, 5000, 5000])
})

it('multiplies by another factor', () => {
  const delay = backoff({ first: 400, max: 1600, factor: 4 })
  expect([1, 2, 3].map((attempt) => delay(attempt))).toEqual([400, 1600, 1600])
})

it('makes a share of each delay random', () => {
  const delay = backoff({ first: 100, max: 5000, jitter: 0.5 })
  expect([0, 0.5, 1].map((random) => delay(1, random))).toEqual([50, 75, 100])
  expect(delay(50, 0)).toBe(2500)
  for (let time = 0; time < 20; time++) {
    expect(delay(1)).toBeGreaterThanOrEqual(50)
    expect(delay(1)).toBeLessThan(100)
  }
})
