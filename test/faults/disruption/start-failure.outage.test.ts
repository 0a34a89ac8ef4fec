import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { breakStarts } from '../../support/node/broken-runtime.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault } from '../plan.ts'
import { deploy, expectFiles, untilAwaited } from './disrupted-job.ts'
import { textFile } from './disrupted-worker.ts'

/*
 * The node's runc really gets SIGKILL while it makes the worker's container: nothing of the worker
 * runs, and Kubernetes counts a failure of the Job.
 */

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'start-failure' })
})
afterAll(() => api.close())

/**
 * The uploader starts first, and its image may have to be pulled: the runtime is broken meanwhile.
 */
const request = { ...busybox('echo end > /output/end'), env: { B: '2' } }

fault(
  'the runtime is killed twice while it starts the worker → the third attempt, complete',
  180,
  async () => {
    const uuid = await deploy(api.url, request)
    await using runtime = await breakStarts(uuid, 2)
    const job = await waitForFinal(api.url, uuid, 150)
    expect(await runtime.broken()).toBe(2)
    expect(job).toMatchObject({
      ...{ state: 'succeeded', exit_code: 0, attempt: { number: 3 } },
      result: { state: 'complete', count: 1 },
    })
    await expectFiles(api.url, uuid, [textFile('end')])
    await expectNothingLeft(uuid)
  },
)

fault('the runtime is killed at each start → TooManyDisruptions after three further ones', 240, async () => {
  const uuid = await deploy(api.url, request)
  await using runtime = await breakStarts(uuid, 9)
  const job = await waitForFinal(api.url, uuid, 200)
  expect(await runtime.broken()).toBe(4)
  expect(job).toMatchObject({ state: 'failed', reason: 'TooManyDisruptions', started_at: null })
  expect(job.message).toContain('could not start the worker')
  await expectNothingLeft(uuid)
})

fault('a job is canceled while it awaits the attempt after a broken start → canceled', 120, async () => {
  const uuid = await deploy(api.url, request)
  await using _runtime = await breakStarts(uuid, 9)
  await untilAwaited(api.url, uuid, 2)
  expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).ok).toBe(true)
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'canceled', started_at: null })
  await expectNothingLeft(uuid)
})

fault('the command is misspelt → failed at once, with the name of the command', 90, async () => {
  const uuid = await deploy(api.url, { ...busybox(''), command: ['pyhton'] })
  const job: Job = await waitForFinal(api.url, uuid, 60)
  expect(job).toMatchObject({ state: 'failed', reason: 'Error', attempt: { number: 1 }, started_at: null })
  expect(job.message).toContain('pyhton')
})

async function expectNothingLeft(uuid: string): Promise<void> {
  expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
  await eventually(
    async () => {
      const kinds = ['jobs,pods,secrets,configmaps', '-l', `jobferry.dev/job=${uuid}`, '-o', 'name']
      expect(await kubectl('-n', api.namespace, 'get', ...kinds)).toBe('')
      const { jobs } = await getJson<{ jobs: Job[] }>(`${api.url}/job`)
      const listed = jobs.filter((one) => one.job_uuid === uuid)
      // What is left says whether the cluster's cache or the store's index names it.
      expect({ listed, keys: listed.length > 0 ? await keysOf(uuid) : [] }).toEqual({ listed: [], keys: [] })
    },
    { within: 60_000 },
  )
}

async function keysOf(uuid: string): Promise<string[]> {
  const objects = await api.client.listObjectsV2(api.bucket, '', true).toArray()
  return (objects as { name: string }[]).map(({ name }) => name).filter((name) => name.includes(uuid))
}
