import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BulkAnswer } from '../../../src/http/answers/bulk-answer.ts'
import { type Job, phases } from '../../../src/job/job.ts'
import { openEvents } from '../../support/api/event-stream.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'finding' })
})
afterAll(() => api?.close())

const find = async (query: string) => (await getJson<{ jobs: Job[] }>(`${api.url}/job?${query}`)).jobs

it('shows a phase that never goes back though an attempt fails and is repeated', async () => {
  const uuid = await deployJob(api.url, { ...busybox('sleep 3; exit 1'), retries: 1, name: 'fails twice' })
  const stream = await openEvents(`${api.url}/job/${uuid}/events`)
  expect(await stream.ended).toBe('ended')
  const seen = stream.events
    .filter(({ event }) => event === 'state')
    .map(({ data }) => data as unknown as Job)
  const ranks = seen.map(({ phase }) => phases.indexOf(phase))
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
  const states = seen.map(({ state }) => state)
  expect(states.indexOf('running')).toBeLessThan(states.lastIndexOf('queued'))
  expect(seen.at(-1)).toMatchObject({ phase: 'failed', name: 'fails twice', attempt: { number: 2 } })
})

it('finds jobs by the labels of their pods, after their end and after their Job is gone as well', async () => {
  const labels = { team: 'physics' }
  const quick = await deployJob(api.url, { ...busybox('true'), labels, keep_seconds: 0 })
  expect(await waitForFinal(api.url, quick, 60)).toMatchObject({ phase: 'finished', labels })
  const running = await deployJob(api.url, { ...busybox('sleep 600'), labels, name: 'long' })
  await eventually(async () => expect(await find('name=long&phase=running')).toHaveLength(1), {
    within: 60_000,
  })
  const pods = await kubectl('get', 'pods', '-n', api.namespace, '-l', 'team=physics', '-o', 'name')
  expect(pods).not.toBe('')
  const found = await find('label=team=physics')
  expect(found.map(({ job_uuid: uuid }) => uuid)).toEqual([running, quick])
})

it('cancels and deletes all that a filter finds', async () => {
  const act = async (method: string, path: string) => {
    const answer = await fetch(api.url + path, { method })
    expect(answer.status).toBe(200)
    return (await answer.json()) as BulkAnswer
  }
  const [running] = await find('name=long')
  const dry = await act('POST', '/job/cancel?label=team=physics&dry_run=true')
  expect(dry.jobs).toMatchObject([{ job_uuid: running?.job_uuid, state: 'running', done: false }])
  const canceled = await act('POST', '/job/cancel?label=team=physics')
  expect(canceled.jobs).toMatchObject([{ job_uuid: running?.job_uuid, done: true }])
  expect(await waitForFinal(api.url, running?.job_uuid ?? '', 60)).toMatchObject({ phase: 'canceled' })
  const deleted = await act('DELETE', '/job?label=team=physics')
  expect(deleted.jobs.map(({ done }) => done)).toEqual([true, true])
  await eventually(async () => expect(await find('label=team=physics')).toEqual([]), { within: 60_000 })
})
