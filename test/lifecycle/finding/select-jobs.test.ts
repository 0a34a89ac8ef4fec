import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { findJobs } from '../../../src/lifecycle/finding/find-jobs.ts'
import { FinishedJobs } from '../../../src/lifecycle/finding/finished-jobs.ts'
import type { JobFilter } from '../../../src/lifecycle/finding/job-filter.ts'
import { selectJobs } from '../../../src/lifecycle/finding/select-jobs.ts'
import { listPosition } from '../../../src/lifecycle/records/list-position.ts'
import type { Records } from '../../../src/lifecycle/records/records.ts'
import { createLog } from '../../../src/util/log.ts'
import { jobAnswer } from '../../support/api/job-answer.ts'
import { eventually } from '../../support/time/eventually.ts'
import { at, type Finding, finding, recordOf, uuidsOf } from './setup.ts'

describe('a filter', () => {
  it('finds live and finished jobs by each of their facts', async () => {
    const parts = await finding()
    const uuids = await jobsOf(parts)
    const { running, ended, failed } = uuids
    const expected: [object, string[]][] = [
      [{ states: new Set(['running']) }, [running]],
      [{ states: new Set(['failed', 'running']) }, [running, failed]],
      [{ phases: new Set(['finished']) }, [ended]],
      [{ job: 'pipeline' }, [running, ended]],
      [{ name: 'night run' }, [ended]],
      [{ madeBy: 'alice' }, [failed]],
      [{ labels: [['team', 'a']] }, [running, ended]],
      [
        {
          labels: [
            ['team', 'a'],
            ['run', '7'],
          ],
        },
        [ended],
      ],
      [{ labels: [['toString', 'x']] }, []],
      [{ since: Date.parse(at(2)) }, [running, ended]],
      [{ until: Date.parse(at(2)) }, [failed]],
      [{ since: Date.parse(at(2)), until: Date.parse(at(3)), job: 'pipeline' }, [ended]],
      [{ job: 'pipeline', states: new Set(['failed']) }, []],
    ]
    for (const [filter, found] of expected) expect(await uuidsOf(parts, filter)).toEqual(found)
  })

  it('goes on behind the last job of a page, and says when there is no more', async () => {
    const parts = await finding()
    const { running, ended, failed } = await jobsOf(parts)
    const filter = { labels: [], until: Date.parse(at(100)) }
    const first = await findJobs(parts, filter, { limit: 2 })
    expect(first.jobs.map(({ job_uuid: uuid }) => uuid)).toEqual([running, ended])
    const second = await findJobs(parts, filter, { limit: 2, after: first.next })
    expect(second.jobs.map(({ job_uuid: uuid }) => uuid)).toEqual([failed])
    expect(second).not.toHaveProperty('next')
  })

  it('lists a job once that was let go while the list is made', async () => {
    const parts = await finding()
    const { running } = await jobsOf(parts)
    const [record] = [recordOf({ job_uuid: running, job: 'pipeline', created_at: at(3) })]
    if (record) await parts.records.write(record)
    const found = await uuidsOf(parts, { job: 'pipeline' })
    expect(found.filter((uuid) => uuid === running)).toHaveLength(1)
  })

  it('for states or phases that no finished job has does not list the index', async () => {
    const parts = await finding()
    const { running } = await jobsOf(parts)
    const list = (): never => {
      throw new Error('the index is listed')
    }
    const finished = { ...parts.finished, all: list, name: list, removed: list }
    const found = (filter: Partial<JobFilter>) => uuidsOf({ ...parts, finished }, filter)
    expect(await found({ states: new Set(['running', 'storing']) })).toEqual([running])
    expect(await found({ phases: new Set(['running']), states: new Set(['running', 'failed']) })).toEqual([
      running,
    ])
    await expect(found({ states: new Set(['running', 'failed']) })).rejects.toThrow('listed')
  })
})

it('lists a job that another process has deleted for 10 s at most', async () => {
  let now = 0
  const parts = await finding(undefined, { clock: { now: () => now } })
  const { ended, running } = await jobsOf(parts)
  const listed = async () => {
    const { jobs } = await findJobs(parts, { labels: [], job: 'pipeline' }, { limit: 10 })
    return jobs.map(({ job_uuid: uuid }) => uuid)
  }
  expect(await listed()).toEqual([running, ended])
  await (await finding(parts.store)).records.remove(ended)
  now += 10_000
  await eventually(async () => expect(await listed()).toEqual([running]))
})

it('does not list a job that is gone when its record is to be read', async () => {
  const parts = await finding()
  const { ended, running } = await jobsOf(parts)
  expect(await uuidsOf(parts, { job: 'pipeline' })).toEqual([running, ended])
  await (await finding(parts.store)).records.remove(ended)
  const { jobs } = await findJobs(parts, { labels: [], job: 'pipeline' }, { limit: 10 })
  expect(jobs.map(({ job_uuid: uuid }) => uuid)).toEqual([running])
  expect(await uuidsOf(parts, { job: 'pipeline' })).toEqual([running])
})

it('finds jobs beyond the memory in the store, a thousand records at most a call', async () => {
  const parts = await finding(undefined, { memoryMax: 1000 })
  const records = Array.from({ length: 1300 }, (_, index) =>
    recordOf({ created_at: at(index), ...(index === 0 && { name: 'the oldest' }) }),
  )
  for (const record of records) await parts.records.write(record)
  const filter = { labels: [], name: 'the oldest' }
  const first = await findJobs(parts, filter, { limit: 10 })
  expect(first.jobs).toEqual([])
  const second = await findJobs(parts, filter, { limit: 10, after: first.next })
  expect(second).toMatchObject({ jobs: [{ job_uuid: records[0]?.job.job_uuid }] })
  expect(second).not.toHaveProperty('next')
})

it('lists 20,000 jobs beyond the memory at most a call, whose state alone is judged', async () => {
  const parts = await finding(undefined, { memoryMax: 1000 })
  const count = 20_300
  const entries = Array.from({ length: count }, (_, index) => {
    const uuid = randomUUID()
    const state = index === count - 1 ? 'failed' : 'succeeded'
    return {
      uuid,
      position: listPosition(uuid, Date.parse(at(count - index))),
      state,
      read: async () => undefined,
    }
  })
  const list: Records['list'] = async function* ({ after = '' } = {}) {
    yield* entries.filter(({ position }) => position > after)
  }
  const records = { ...parts.records, list }
  const finished = new FinishedJobs({
    ...{ store: parts.store, records, memoryMax: 1000 },
    ...{ log: createLog('test', 'silent'), isLeader: () => true },
  })
  const filter = { labels: [], states: new Set(['failed' as const]) }
  const first = await selectJobs({ ...parts, records, finished }, filter, { limit: 10 })
  expect(first.found).toEqual([])
  const second = await selectJobs({ ...parts, records, finished }, filter, { limit: 10, after: first.next })
  expect(second.found).toMatchObject([{ uuid: entries.at(-1)?.uuid }])
  expect(second).not.toHaveProperty('next')
  await finished.close()
})

async function jobsOf(parts: Finding) {
  const [running, ended, failed] = [randomUUID(), randomUUID(), randomUUID()]
  const labels = { team: 'a' }
  parts.live(jobAnswer({ job_uuid: running, state: 'running', job: 'pipeline', labels, created_at: at(3) }))
  for (const record of [
    recordOf({
      job_uuid: ended,
      job: 'pipeline',
      name: 'night run',
      labels: { ...labels, run: '7' },
      created_at: at(2),
    }),
    recordOf({ job_uuid: failed, state: 'failed', made_by: 'alice', created_at: at(1) }),
  ]) {
    await parts.records.write(record)
  }
  return { running, ended, failed }
}
