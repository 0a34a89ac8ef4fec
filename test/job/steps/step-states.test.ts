import { expect, it } from 'vitest'
import { loggedContainer, logNameOf, logNames } from '../../../src/job/log-name.ts'
import { stepAnswers } from '../../../src/job/steps/step-states.ts'
import { attempt } from '../../support/api/attempt.ts'

const names = ['a', 'b']
const statesOf = (...args: Parameters<typeof stepAnswers>) => stepAnswers(...args).map(({ state }) => state)

it('shows steps that wait, are skipped, or of which nothing is known', () => {
  expect(statesOf(names, undefined, { over: false, ran: false })).toEqual(['waiting', 'waiting'])
  expect(statesOf(names, undefined, { over: true, ran: false })).toEqual(['skipped', 'skipped'])
  expect(statesOf(names, undefined, { over: true, ran: true })).toEqual(['unknown', 'unknown'])
})

it('shows those that are reused, and finds the others by their names', () => {
  const seen = attempt({ startedAt: 0 }, { steps: [{ name: 'b', startedAt: 0 }] })
  const given = { over: false, ran: true, reused: 1 }
  expect(statesOf(names, seen, given)).toEqual(['reused', 'running'])
  expect(statesOf(names, undefined, { ...given, over: true })).toEqual(['reused', 'unknown'])
})

it('counts a step as failed whose end was not seen', () => {
  const steps = [{ name: 'a', startedAt: 0 }, { name: 'b' }]
  const seen = attempt({ startedAt: 0 }, { steps })
  expect(statesOf(names, seen, { over: false, ran: true })).toEqual(['running', 'waiting'])
  expect(statesOf(names, { ...seen, ended: true }, { over: true, ran: true })).toEqual(['failed', 'skipped'])
})

it('gives each log a name that no other one has', () => {
  const steps = [{ name: 'uploader' }, { name: 'worker' }]
  const all = logNames({ steps })
  expect(all).toEqual(['step-uploader', 'step-worker', 'uploader'])
  expect(all.map((name) => logNameOf(loggedContainer(name)))).toEqual(all)
  expect(logNames({})).toEqual(['worker', 'uploader'])
})
