import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { latestResult } from '../../../src/lifecycle/finding/latest-result.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'
import { at, type Finding, finding, recordOf } from './setup.ts'

it('the latest result is of the newest job of that name that succeeded with all its files', async () => {
  const parts = await finding()
  await write(parts, 1, {})
  const expected = await write(parts, 2, {})
  await write(parts, 3, { state: 'failed' })
  await write(parts, 4, { result: { state: 'partial', count: 1, bytes: 1 } })
  await write(parts, 5, { job: 'other' })
  expect((await latestResult(parts, 'weather')).found?.job_uuid).toBe(expected)
  expect(await latestResult(parts, 'unknown')).toEqual({ found: undefined, searched: true })
})

it('it may be of a job that has ended just now', async () => {
  const parts = await finding()
  await write(parts, 1, {})
  const uuid = randomUUID()
  const result = { state: 'complete' as const, count: 1, bytes: 1 }
  const ended = jobAnswer({ job_uuid: uuid, state: 'succeeded', job: 'weather', created_at: at(2), result })
  parts.live(ended, jobAnswer({ ...ended, job_uuid: randomUUID(), state: 'running', created_at: at(3) }))
  expect((await latestResult(parts, 'weather')).found?.job_uuid).toBe(uuid)
})

it('it is found without reading the records of other jobs', async () => {
  const parts = await finding()
  for (let second = 0; second < 40; second++)
    await write(parts, second, { job: second % 2 ? 'weather' : 'b' })
  await latestResult(parts, 'weather')
  parts.reads.length = 0
  const newest = await write(parts, 41, {})
  expect((await latestResult(parts, 'weather')).found?.job_uuid).toBe(newest)
  expect(parts.reads).toEqual([])
})

async function write(parts: Finding, second: number, job: Partial<Job>): Promise<string> {
  const record = recordOf({ job: 'weather', created_at: at(second), ...job })
  await parts.records.write(record)
  return record.job.job_uuid
}
