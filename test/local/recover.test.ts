import { expect, it } from 'vitest'
import type { AttemptRecord, JobRecord } from '../../src/local/record.ts'
import { mend } from '../../src/local/recover.ts'
import { shellRequest } from './setup.ts'

const now = 1_700_000_000_000
const uploader = { startedAt: now - 9000, process: { pid: 3, started: 'x' } }

it('forgets an attempt whose worker was never started', () => {
  const record = recordWith({ uploader, worker: {} })
  mend(record, now)
  expect(record.attempt).toBeUndefined()
})

it('counts a worker as started once that was about to happen', () => {
  const record = recordWith({ uploader, worker: { launchedAt: now - 5000 } })
  mend(record, now)
  expect(record.attempt).toMatchObject({
    worker: { startedAt: now - 5000, finishedAt: now },
    interrupted: { reason: 'Interrupted', at: now },
  })
})

it('leaves the end of a worker as it was seen', () => {
  const worker = { launchedAt: now - 5000, startedAt: now - 4999, finishedAt: now - 100, exitCode: 0 }
  const record = recordWith({ uploader, worker })
  mend(record, now)
  expect(record.attempt?.worker).toEqual(worker)
  expect(record.attempt?.interrupted).toBeUndefined()
  expect(record.attempt?.uploader.process).toBeUndefined()
})

it('does not call a job interrupted that was being stopped', () => {
  const record = recordWith({ uploader, worker: { launchedAt: now - 5000, startedAt: now - 4999 } })
  record.stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: now - 50 }
  mend(record, now)
  expect(record.attempt?.worker.finishedAt).toBe(now)
  expect(record.attempt?.interrupted).toBeUndefined()
})

it('begins the next attempt where one had ended and another was to follow', () => {
  const worker = { launchedAt: now - 5000, startedAt: now - 4999, finishedAt: now - 100, exitCode: 1 }
  const record = recordWith({ uploader, worker, endedAt: now - 10 })
  mend(record, now)
  expect(record.attempt).toBeUndefined()
})

function recordWith(attempt: Omit<AttemptRecord, 'uid' | 'number'>): JobRecord {
  return {
    version: 1,
    uuid: '00000000-0000-4000-8000-000000000000',
    request: shellRequest(''),
    requestSha256: '',
    environment: {},
    createdAt: now - 10_000,
    failedAttempts: 0,
    attempt: { uid: '00000000-0000-4000-8000-000000000001', number: 1, ...structuredClone(attempt) },
  }
}
