import { expect, onTestFinished, test } from 'vitest'
import { StateEvents } from '../../../src/completion/callbacks/state-events.ts'
import type { Job } from '../../../src/job/job.ts'
import { createLog } from '../../../src/log.ts'
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
  const job: Job = {
    ...{ job_uuid: 'a', job: null, state: 'running', reason: null, message: null, exit_code: null },
    ...{ attempt: { number: 1, uid: 'x' }, created_at: '2026-11-21T06:00:00.000Z' },
    ...{ started_at: null, finished_at: null, result: { state: null, count: null, bytes: null } },
  }
  const request = jobRequest({ callback: 'http://receiver/', callback_events: ['job.running'] })
  return { uuid: 'a', job, deleted: false, request }
}
