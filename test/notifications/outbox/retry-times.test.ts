import { expect, test } from 'vitest'
import { nextEndlessTry, nextTry, parseRetryAfter } from '../../../src/notifications/outbox/retry-times.ts'

const day = 86_400_000
const now = Date.parse('2026-11-21T06:00:00Z')

test.each([
  { count: 1, random: 0.5, pause: 1000 },
  { count: 1, random: 0, pause: 800 },
  { count: 2, random: 0.5, pause: 2000 },
  { count: 5, random: 0.5, pause: 16_000 },
  { count: 40, random: 0.5, pause: 3_600_000 },
  { count: 1, random: 0.5, retryAfter: 30_000, pause: 30_000 },
  { count: 9, random: 0.5, retryAfter: 30_000, pause: 256_000 },
  { count: 1, random: 0.5, retryAfter: 7 * day, pause: day },
])('attempt $count is followed by a pause of $pause ms', ({ count, random, pause, ...wanted }) => {
  expect(nextTry({ createdAt: now, count, ...wanted }, now, random)).toBe(now + pause)
})

test('the last attempt is a day after the first', () => {
  expect(nextTry({ createdAt: now - day + 60_000, count: 30 }, now, 0.5)).toBe(now + 60_000)
  expect(nextTry({ createdAt: now - day, count: 31 }, now, 0.5)).toBeUndefined()
})

test('an attempt without end follows after at most 5 minutes', () => {
  expect(nextEndlessTry(1, now, 0.5)).toBe(now + 1000)
  expect(nextEndlessTry(1000, now, 0.5)).toBe(now + 300_000)
})

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Sat, 21 Nov 2026 06:00:30 GMT', 30_000],
  ['Sat, 21 Nov 2026 05:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After: %s is %s ms', (header, milliseconds) => {
  expect(parseRetryAfter(header, now)).toBe(milliseconds)
})
