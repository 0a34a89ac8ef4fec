import { expect, onTestFinished, test } from 'vitest'
import { StateEvents } from '../../../src/completion/callbacks/state-events.ts'
import { createLog } from '../../../src/log.ts'
import { jobAnswer } from '../../support/job-answer.ts'
import { jobRequest } from '../../support/job-request.ts'
import { leaseOf } from '../setup.ts'

test('what could not be announced before the Lease was lost is announced when it is had again', async () => {
  const lease = leaseOf(true)
  const announced: string[] = []
  let fails = true
  const states = new StateEvents(lease, createLog('test', 'silent'), async ({ state }) => {
    if (fails) throw new Error('the store is away')
    announced.push(state)
  })
  onTestFinished(() => states.close())
  states.watch(running())
  lease.give(false)
  await states.settled('a')
  fails = false
  lease.give(true)
  await states.settled('a')
  expect(announced).toEqual(['running'])
})

function running() {
  const job = jobAnswer({ job_uuid: 'a', state: 'running', attempt: { number: 1, uid: 'x' } })
  const request = jobRequest({ callback: 'http://receiver/', callback_events: ['job.running'] })
  return { uuid: 'a', job, deleted: false, request }
}
