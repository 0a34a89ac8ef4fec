import { expect, onTestFinished, test } from 'vitest'
import { StateEvents } from '../../../src/notifications/callbacks/state-events.ts'
import { createLog } from '../../../src/util/log.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'
import { jobRequest } from '../../support/api/job-request.ts'
import { leadershipOf } from '../../support/leadership.ts'

test('an event unannounced at the loss of leadership is announced when this process leads again', async () => {
  const leadership = leadershipOf(true)
  const announced: string[] = []
  let fails = true
  const states = new StateEvents(leadership, createLog('test', 'silent'), async ({ state }) => {
    if (fails) throw new Error('the store is away')
    announced.push(state)
  })
  onTestFinished(() => states.close())
  states.watch(running())
  leadership.set(false)
  await states.settled('a')
  fails = false
  leadership.set(true)
  await states.settled('a')
  expect(announced).toEqual(['running'])
})

function running() {
  const job = jobAnswer({ job_uuid: 'a', state: 'running', attempt: { number: 1, uid: 'x' } })
  const request = jobRequest({ callback: 'http://receiver/', callback_events: ['job.running'] })
  return { uuid: 'a', job, deleted: false, request }
}
