import { expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { actOnJobs, type BulkParts } from '../../../src/lifecycle/finding/act-on-jobs.ts'
import { Problem } from '../../../src/util/errors.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'
import { at, type Finding, finding, recordOf } from './setup.ts'

const [a, b, c] = ['a', 'b', 'c'].map((one) => `00000000-0000-4000-8000-00000000000${one}`) as [
  string,
  string,
  string,
]

it('tells of each job whose turn failed, and goes on with the others', async () => {
  const parts = await finding()
  parts.live(
    jobAnswer({ job_uuid: a, state: 'running', job: 'x', created_at: at(3) }),
    jobAnswer({ job_uuid: b, state: 'running', job: 'x', created_at: at(2) }),
  )
  await parts.records.write(recordOf({ job_uuid: c, job: 'x', created_at: at(1) }))
  const unexpected: string[] = []
  const acting = {
    ...actingOn(parts),
    async remove(uuid: string) {
      if (uuid === a) throw new Problem('unavailable', 'the cluster is away')
      if (uuid === b) throw new Error('secret')
    },
    onError: (uuid: string) => unexpected.push(uuid),
  }
  const filter = { labels: [], job: 'x' }
  const outcome = await actOnJobs(acting, 'delete', filter, { limit: 10, dryRun: false })
  expect(outcome).toMatchObject({
    jobs: [
      { job_uuid: a, done: false, error: { code: 'unavailable', detail: 'the cluster is away' } },
      { job_uuid: b, done: false, error: { code: 'internal' } },
      { job_uuid: c, done: true },
    ],
  })
  expect(JSON.stringify(outcome)).not.toContain('secret')
  expect(unexpected).toEqual([b])
})

it('cancels no job that has ended, and counts them not against its limit', async () => {
  const parts = await finding()
  parts.live(
    jobAnswer({ job_uuid: a, state: 'failed', job: 'x', created_at: at(3) }),
    jobAnswer({ job_uuid: b, state: 'storing', job: 'x', created_at: at(2) }),
    jobAnswer({ job_uuid: c, state: 'queued', job: 'x', created_at: at(1) }),
  )
  const canceled: string[] = []
  const acting = { ...actingOn(parts), cancel: async (uuid: string) => canceled.push(uuid) }
  const filter = { labels: [], job: 'x' }
  const first = await actOnJobs(acting, 'cancel', filter, { limit: 1, dryRun: false })
  expect(first).toMatchObject({ jobs: [{ job_uuid: b, state: 'storing', done: true }] })
  expect(canceled).toEqual([b])
  const second = await actOnJobs(acting, 'cancel', filter, { limit: 1, after: first.next, dryRun: false })
  expect(second.jobs).toMatchObject([{ job_uuid: c, done: true }])
  expect(second).not.toHaveProperty('next')
})

it('cancels no job that is being stopped already, though it deletes it', async () => {
  const parts = await finding()
  parts.stopping(jobAnswer({ job_uuid: a, state: 'running', job: 'x', created_at: at(2) }))
  parts.live(jobAnswer({ job_uuid: b, state: 'running', job: 'x', created_at: at(1) }))
  const found = async (action: 'cancel' | 'delete') => {
    const filter = { labels: [], job: 'x' }
    const { jobs } = await actOnJobs(actingOn(parts), action, filter, { limit: 10, dryRun: true })
    return jobs.map(({ job_uuid }) => job_uuid)
  }
  expect(await found('cancel')).toEqual([b])
  expect(await found('delete')).toEqual([a, b])
})

it('leaves a job alone that its filter does not find any more when its turn comes', async () => {
  const parts = await finding()
  const queued = { state: 'queued', phase: 'queued', job: 'x' } as const
  parts.live(
    jobAnswer({ ...queued, job_uuid: a, created_at: at(3) }),
    jobAnswer({ ...queued, job_uuid: b, created_at: at(2) }),
    jobAnswer({ ...queued, job_uuid: c, created_at: at(1) }),
  )
  const removed: string[] = []
  const now = new Map([
    [a, jobAnswer({ job_uuid: a, state: 'succeeded', phase: 'finished', job: 'x', created_at: at(3) })],
    [b, jobAnswer({ ...queued, job_uuid: b, created_at: at(9) })],
    [c, jobAnswer({ ...queued, job_uuid: c, created_at: at(1) })],
  ])
  const acting: BulkParts = {
    ...actingOn(parts),
    current: async (uuid) => now.get(uuid),
    remove: async (uuid) => void removed.push(uuid),
  }
  const filter = { labels: [], states: new Set<Job['state']>(['queued']) }
  const { jobs } = await actOnJobs(acting, 'delete', filter, { limit: 10, dryRun: false })
  expect(jobs).toMatchObject([
    { job_uuid: a, state: 'queued', done: false, skipped: true },
    { job_uuid: b, done: false, skipped: true },
    { job_uuid: c, done: true },
  ])
  expect(removed).toEqual([c])
})

it('cancels no job that ended after it was found', async () => {
  const parts = await finding()
  parts.live(jobAnswer({ job_uuid: a, state: 'running', job: 'x', created_at: at(1) }))
  const ended = jobAnswer({ job_uuid: a, state: 'succeeded', job: 'x', created_at: at(1) })
  const acting = { ...actingOn(parts), current: async () => ended }
  const filter = { labels: [], job: 'x' }
  const { jobs } = await actOnJobs(acting, 'cancel', filter, { limit: 10, dryRun: false })
  expect(jobs).toMatchObject([{ job_uuid: a, done: false, skipped: true }])
})

it('deletes a job whose record is damaged', async () => {
  const parts = await finding()
  await parts.records.write(recordOf({ job_uuid: a, state: 'failed', created_at: at(1) }))
  const removed: string[] = []
  const acting: BulkParts = {
    ...actingOn(parts),
    current: () => Promise.reject(new Problem('result-damaged', 'the record is damaged')),
    remove: async (uuid) => void removed.push(uuid),
  }
  const filter = { labels: [], states: new Set<Job['state']>(['failed']) }
  await actOnJobs(acting, 'delete', filter, { limit: 10, dryRun: false })
  expect(removed).toEqual([a])
})

it('reads a thousand records beyond the memory at most in one call, and goes on from its next', async () => {
  const parts = await finding(undefined, { memoryMax: 1000 })
  for (let second = 0; second < 1300; second++) {
    const rare = second === 0 && { job_uuid: a, labels: { rare: 'x' } }
    await parts.records.write(recordOf({ created_at: at(second), ...rare }))
  }
  const filter = { labels: [['rare', 'x'] as const] }
  const first = await actOnJobs(actingOn(parts), 'delete', filter, { limit: 10, dryRun: true })
  expect(first.jobs).toEqual([])
  expect(parts.reads.length).toBeLessThan(1300)
  const options = { limit: 10, after: first.next, dryRun: true }
  const second = await actOnJobs(actingOn(parts), 'delete', filter, options)
  expect(second.jobs).toMatchObject([{ job_uuid: a, labels: { rare: 'x' } }])
  expect(second).not.toHaveProperty('next')
})

/** Jobs are as they were found, and nothing is done to them. */
function actingOn(parts: Finding): BulkParts {
  const live = new Map(
    parts.tracker.newestFirst().jobs.map(({ entry: { known } }) => [known.answer.job_uuid, known]),
  )
  return {
    ...parts,
    current: async (uuid) => live.get(uuid)?.answer ?? (await parts.records.read(uuid))?.job,
    cancel: async () => undefined,
    remove: async () => undefined,
    onError: () => undefined,
  }
}
