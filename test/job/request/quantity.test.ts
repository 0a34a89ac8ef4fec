import { expect, it } from 'vitest'
import { quantityValue } from '../../../src/job/request/quantity.ts'

it.each([
  ['1', 1],
  ['500m', 0.5],
  ['700m', 0.7],
  ['0.7', 0.7],
  ['.5', 0.5],
  ['2e3', 2000],
  ['1k', 1000],
  ['1Ki', 1024],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['5u', 5e-6],
  ['1E', 1e18],
])('%s is %d', (text, value) => {
  expect(quantityValue(text)).toBe(value)
})
