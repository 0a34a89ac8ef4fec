import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../../support/api/on-cluster.ts'
import { evict, jobPods } from '../../support/cluster/pods.ts'
import { eventually } from '../../support/time/eventually.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster({ name: 'steps-stopped' })
})
afterAll(() => api?.close())

/** On SIGTERM it writes a file a second later, and another one a second after that. */
const saves =
  'trap "sleep 1; echo 1 > $RESULT_DIRECTORY/saved-1; sleep 1; echo 2 > $RESULT_DIRECTORY/saved-2; exit 0" TERM; ' +
  'echo begun > $RESULT_DIRECTORY/begun; while :; do sleep 0.2; done'

async function deploy(fields: object = {}, first: object = {}): Promise<string> {
  const { image, image_pull_policy } = busybox('')
  const request = {
    ...{ image, image_pull_policy, command: ['sh', '-c'], stop_grace_seconds: 25 },
    steps: [
      { name: 'first', args: [saves], ...first },
      { name: 'second', args: ['echo never > $RESULT_DIRECTORY/never'] },
    ],
    ...fields,
  }
  return await deployJob(api.url, request)
}

async function untilBegun(uuid: string): Promise<void> {
  await eventually(
    async () => {
      const { steps } = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(steps?.[0]?.state).toBe('running')
    },
    { within: 60_000 },
  )
}

async function filesOf(uuid: string): Promise<string[]> {
  const { files } = await getJson<{ files: { path: string }[] }>(`${api.url}/job/${uuid}/result/list`)
  return files.map(({ path }) => path).sort()
}

const all = ['begun', 'saved-1', 'saved-2']

it('cancels a job during a step, and keeps what the step writes until its end', async () => {
  const uuid = await deploy()
  await untilBegun(uuid)
  await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
  const job = await waitForFinal(api.url, uuid, 90)
  expect(job).toMatchObject({ state: 'canceled', reason: 'Canceled', result: { state: 'partial' } })
  expect(job.steps?.[1]).toMatchObject({ state: 'skipped', started_at: null })
  expect(await filesOf(uuid)).toEqual(all)
})

it("stops a job after a step's timeout_seconds, and names the step", async () => {
  const uuid = await deploy({}, { timeout_seconds: 3 })
  const job = await waitForFinal(api.url, uuid, 90)
  expect(job).toMatchObject({ state: 'failed', reason: 'TimeoutExceeded', result: { state: 'partial' } })
  expect(job.message).toContain('the step `first` was still running 3 s after its start')
  expect(await filesOf(uuid)).toEqual(all)
})

it('stops a job after its own timeout_seconds during a step', async () => {
  const uuid = await deploy({ timeout_seconds: 3 })
  const job = await waitForFinal(api.url, uuid, 90)
  expect(job).toMatchObject({ state: 'failed', reason: 'TimeoutExceeded', result: { state: 'partial' } })
  expect(await filesOf(uuid)).toEqual(all)
})

it('starts again with the first step after a drain during one', async () => {
  const uuid = await deploy({}, { args: ['sleep 15'] })
  await untilBegun(uuid)
  const [pod] = await jobPods(api.namespace, uuid)
  if (pod === undefined) throw new Error('no pod')
  await evict(api.namespace, pod, 5)
  const job = await waitForFinal(api.url, uuid, 150)
  expect(job).toMatchObject({ state: 'succeeded', attempt: { number: 2 }, result: { state: 'complete' } })
  expect(await filesOf(uuid)).toEqual(['never'])
})

it('deletes a job during a step, with all that it left', async () => {
  const uuid = await deploy()
  await untilBegun(uuid)
  expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
  await eventually(async () => expect(await jobPods(api.namespace, uuid)).toEqual([]), { within: 90_000 })
  expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404)
})
