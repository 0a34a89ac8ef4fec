import { expect, it } from 'vitest'
import { inspectionTimes, nextInspection, stageOf } from '../../../src/lifecycle/records/retention.ts'

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]
const ended_at = new Date(0).toISOString()
const times = (expiresAt?: number) => ({
  ended_at,
  ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
})

it.each([
  ['kept for ever', times(), [minute, day]],
  ['kept for an hour', times(hour), [minute, hour, day, hour + 7 * day]],
  ['kept for a second', times(second), [second, minute, day, second + 7 * day]],
  ['kept for a month', times(30 * day), [minute, day, 30 * day, 37 * day]],
])('looks at a job whose result is %s at these times', (_, record, expected) => {
  expect(inspectionTimes(record)).toEqual(expected)
})

it.each([
  ['first', times(), 0, minute],
  ['after the first inspection', times(), minute, day],
  ['after the last look', times(), day, undefined],
  ['after an outage of a year', times(30 * day), 365 * day, undefined],
  ['between', times(hour), 2 * hour, day],
])('knows the next look: %s', (_, record, now, next) => {
  expect(nextInspection(record, now)).toBe(next)
})

it.each([
  [times(), 10_000 * day, 'kept'],
  [times(hour), hour - 1, 'kept'],
  [times(hour), hour, 'expired'],
  [times(hour), hour + 7 * day - 1, 'expired'],
  [times(hour), hour + 7 * day, 'forgotten'],
])('knows of %j at %d that it is %s', (record, now, stage) => {
  expect(stageOf(record, now)).toBe(stage)
})
