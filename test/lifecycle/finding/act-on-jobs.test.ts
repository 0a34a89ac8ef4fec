import { expect, it } from 'vitest'
import { actOnJobs } from '../../../src/lifecycle/finding/act-on-jobs.ts'
import { Problem } from '../../../src/util/errors.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'
import { at, finding, recordOf } from './setup.ts'

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
    ...parts,
    cancel: async () => undefined,
    async remove(uuid: string) {
      if (uuid === a) throw new Problem('unavailable', 'the cluster is away')
      if (uuid === b) throw new Error('secret')
    },
    onError: (uuid: string) => unexpected.push(uuid),
  }
  const filter = { labels: [], job: 'x' }
  const outcome = await actOnJobs(acting, 'delete', filter, { limit: 10, dryRun: false })
  expect(outcome).toMatchObject({
    more: false,
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
  const acting = {
    ...parts,
    cancel: async (uuid: string) => canceled.push(uuid),
    remove: async () => undefined,
    onError: () => undefined,
  }
  const filter = { labels: [], job: 'x' }
  const first = await actOnJobs(acting, 'cancel', filter, { limit: 1, dryRun: false })
  expect(first).toMatchObject({ jobs: [{ job_uuid: b, state: 'storing', done: true }], more: true })
  expect(canceled).toEqual([b])
})
