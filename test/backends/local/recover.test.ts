import { expect, it } from 'vitest'
import type {
  LocalAttemptRecord,
  LocalJobRecord,
} from '../../../src/backends/local/record/local-job-record.ts'
import { repairRecord } from '../../../src/backends/local/recover.ts'
import { shellRequest } from './setup.ts'

const now = 1_700_000_000_000
const uploader = { startedAt: now - 9000, process: { pid: 3, started: 'x' } }

it('drops an attempt whose worker was never started', () => {
  const record = recordWith({ uploader, worker: {} })
  repairRecord(record, now)
  expect(record.attempt).toBeUndefined()
})

it('counts a worker as started if its start was about to happen', () => {
  const record = recordWith({ uploader, worker: { launchedAt: now - 5000 } })
  repairRecord(record, now)
  expect(record.attempt).toMatchObject({
    worker: { startedAt: now - 5000, finishedAt: now },
    interrupted: { reason: 'Interrupted', at: now },
  })
})

it('lets no worker end before its start, on a clock that was set back', () => {
  const record = recordWith({ uploader, worker: { launchedAt: now + 5, startedAt: now + 7 } })
  repairRecord(record, now)
  expect(record.attempt?.worker).toMatchObject({ startedAt: now, finishedAt: now })
})

it('keeps the recorded end of a worker', () => {
  const worker = { launchedAt: now - 5000, startedAt: now - 4999, finishedAt: now - 100, exitCode: 0 }
  const record = recordWith({ uploader, worker })
  repairRecord(record, now)
  expect(record.attempt?.worker).toEqual(worker)
  expect(record.attempt?.interrupted).toBeUndefined()
  expect(record.attempt?.uploader.process).toBeUndefined()
})

it('does not interrupt a job that was being stopped', () => {
  const record = recordWith({ uploader, worker: { launchedAt: now - 5000, startedAt: now - 4999 } })
  record.stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: now - 50 }
  repairRecord(record, now)
  expect(record.attempt?.worker.finishedAt).toBe(now)
  expect(record.attempt?.interrupted).toBeUndefined()
})

it('begins the next attempt if one had ended and another was to follow', () => {
  const worker = { launchedAt: now - 5000, startedAt: now - 4999, finishedAt: now - 100, exitCode: 1 }
  const record = recordWith({ uploader, worker, endedAt: now - 10 })
  repairRecord(record, now)
  expect(record.attempt).toBeUndefined()
  const times = { startedAt: now - 4999, finishedAt: now - 100, endedAt: now - 10, reason: 'Error' }
  const uid = '00000000-0000-4000-8000-000000000001'
  expect(record.earlier).toMatchObject([{ number: 1, uid, times }])
})

function recordWith(attempt: Omit<LocalAttemptRecord, 'uid' | 'number'>): LocalJobRecord {
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
