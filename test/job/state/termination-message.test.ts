import { expect, it } from 'vitest'
import { causeIn, formatTerminationMessage, isCommitted } from '../../../src/job/state/termination-message.ts'

it('reads the message of a written manifest as committed, without a cause', () => {
  const text = formatTerminationMessage({ count: 3, bytes: 4, errors: 0 })
  expect(JSON.parse(text)).toEqual({ count: 3, bytes: 4, errors: 0 })
  expect([isCommitted(text), causeIn(text)]).toEqual([true, undefined])
})

it('reads the message of an uploader that gave up as its cause, with at most 1,000 characters', () => {
  const text = formatTerminationMessage({ reason: 'UploadTimeout', message: 'x'.repeat(5000) })
  expect(causeIn(text)).toEqual({ reason: 'UploadTimeout', message: 'x'.repeat(1000) })
  expect(isCommitted(text)).toBe(false)
})

it.each([
  undefined,
  '',
  'the end of a log',
  'null',
  '[1]',
  '{"count":"3"}',
  '{"reason":"Unheard","message":"x"}',
])('reads %j as neither committed nor a cause', (text) => {
  expect([isCommitted(text), causeIn(text)]).toEqual([false, undefined])
})
