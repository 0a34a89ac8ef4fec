import { expect, it } from 'vitest'
import { dependencyFailed, verdictOn, waitingFor } from '../../../src/job/dependencies/dependency-verdict.ts'
import type { Reason, State } from '../../../src/job/job.ts'

const job = (state: State, reason: Reason | null = null) => ({ state, reason })

it.each([
  ['a job that runs', job('running'), 'awaited', 'awaited'],
  ['a job that is storing with a reason', job('storing', 'StoreUnavailable'), 'awaited', 'awaited'],
  ['a job that succeeded', job('succeeded'), 'met', 'met'],
  ['a success that lacks files', job('succeeded', 'FilesLeftOut'), 'met', 'met'],
  ['a job that failed', job('failed', 'OOMKilled'), { why: 'failed (OOMKilled)' }, 'met'],
  ['a job that was canceled', job('canceled', 'Canceled'), { why: 'was canceled' }, 'met'],
])('%s counts for `success` and for `end` by its state', (_, seen, success, end) => {
  expect(verdictOn(seen, 'success')).toEqual(success)
  expect(verdictOn(seen, 'end')).toEqual(end)
})

it.each(['success', 'end'] as const)('a job that is gone can not end any more, with `on: %s`', (on) => {
  expect(verdictOn(undefined, on)).toEqual({ why: expect.stringContaining('deleted') })
})

it('names the awaited jobs, ten at most', () => {
  expect(waitingFor(['a'])).toEqual({ reason: 'WaitingForJobs', message: 'waits for job a' })
  expect(waitingFor(['a', 'b']).message).toBe('waits for 2 jobs: a, b')
  const many = Array.from({ length: 32 }, (_, index) => `j${index}`)
  expect(waitingFor(many).message).toMatch(/^waits for 32 jobs: j0, .*, j9 and 22 others$/)
})

it('names each job that can not end as it was to, and why', () => {
  const failed = [
    { uuid: 'a', why: 'was canceled' },
    { uuid: 'b', why: 'failed (Error)' },
  ]
  expect(dependencyFailed(failed)).toEqual({
    reason: 'DependencyFailed',
    message: 'job a was canceled; job b failed (Error)',
  })
})
