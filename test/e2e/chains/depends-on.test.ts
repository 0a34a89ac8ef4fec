import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ApiOnCluster, apiOnCluster } from '../../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../../support/api/api-process.ts'
import { deployJob, getJson, waitForFinal } from '../../support/api/http.ts'
import { kubectl, kubectlJson } from '../../support/cluster/cluster.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { eventually } from '../../support/time/eventually.ts'

let cluster: ApiOnCluster
let api: ApiProcess

beforeAll(async () => {
  cluster = await apiOnCluster({ name: 'chains', environment: { POD_UID: randomUUID() } })
  api = await cluster.start()
})
afterAll(() => cluster.close())

const worker = (script: string, more: object = {}) => ({
  image: 'docker.io/library/busybox:latest',
  image_pull_policy: 'IfNotPresent',
  command: ['sh', '-ec', script],
  ...more,
})

it('a chain of five jobs hands its results on, over an API that is killed and a Lease that changes', async () => {
  const chain = [await deployJob(api.url, worker('sleep 8; echo 0 >"$RESULT_DIRECTORY/list"'))]
  for (let number = 1; number < 5; number += 1) {
    const [before = ''] = chain.slice(-1)
    const script = `(cat /input/list; echo ${number}) >"$RESULT_DIRECTORY/list"`
    const more = { depends_on: [{ job_uuid: before }], inputs: [{ from: `job:${before}/list` }] }
    chain.push(await deployJob(api.url, worker(script, more)))
  }
  const [, second = '', third = ''] = chain
  const last = chain.at(-1) ?? ''
  expect(await getJson(`${api.url}/job/${last}`)).toMatchObject({
    state: 'queued',
    reason: 'WaitingForJobs',
    message: `waits for job ${chain.at(-2)}`,
  })
  expect(await podsOf(last)).toBe('')
  await api.kill()
  api = await cluster.start()
  expect(await waitForFinal(api.url, second, 90)).toMatchObject({ state: 'succeeded' })
  // Another identity: it has to take the Lease over.
  const follower = await cluster.start({ POD_UID: randomUUID() })
  await api.kill()
  expect(await waitForFinal(follower.url, third, 120)).toMatchObject({ state: 'succeeded' })
  expect(await waitForFinal(follower.url, last, 120)).toMatchObject({
    state: 'succeeded',
    attempt: { number: 1 },
  })
  const list = await fetch(`${follower.url}/job/${last}/result?file=list`)
  expect(await list.text()).toBe('0\n1\n2\n3\n4\n')
  await follower.stop()
  api = await cluster.start()
})

it('a waiting job is a suspended Job with its own key, and ends without a pod when its job fails', async () => {
  const failing = await deployJob(api.url, worker('sleep 5; exit 3'))
  const uuid = await deployJob(api.url, worker('true', { depends_on: [{ job_uuid: failing }] }))
  const { items } = await kubectlJson<{ items: { spec: { suspend: boolean } }[] }>(
    ...['-n', cluster.namespace, 'get', 'jobs', '-l', `jobferry.dev/job=${uuid}`],
  )
  expect(items).toMatchObject([{ spec: { suspend: true } }])
  expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({
    ...{ state: 'failed', reason: 'DependencyFailed', attempt: null },
    message: `job ${failing} failed (Error)`,
    result: { state: 'missing' },
  })
  expect(await podsOf(uuid)).toBe('')
})

it('a waiting job that is canceled ends, and one that is deleted leaves nothing', async () => {
  const endless = await deployJob(api.url, worker('sleep 600'))
  const waiting = worker('true', { depends_on: [{ job_uuid: endless, on: 'end' }] })
  const [one, other, third] = [
    await deployJob(api.url, waiting),
    await deployJob(api.url, waiting),
    await deployJob(api.url, waiting),
  ]
  await fetch(`${api.url}/job/${one}/cancel`, { method: 'POST' })
  expect(await waitForFinal(api.url, one, 60)).toMatchObject({ state: 'canceled', attempt: null })
  await fetch(`${api.url}/job/${other}`, { method: 'DELETE' })
  await eventually(
    async () => {
      const all = ['get', 'jobs,pods,secrets', '-l', `jobferry.dev/job=${other}`, '-o', 'name']
      expect(await kubectl('-n', cluster.namespace, ...all)).toBe('')
      expect(await objectKeys(cluster.client, cluster.bucket, `jobs/${other}/`)).toEqual([])
    },
    { within: 60_000 },
  )
  await fetch(`${api.url}/job/${endless}`, { method: 'DELETE' })
  expect(await waitForFinal(api.url, third, 90)).toMatchObject({
    ...{ state: 'failed', reason: 'DependencyFailed' },
    message: expect.stringContaining(`job ${endless} is gone`),
  })
})

function podsOf(uuid: string): Promise<string> {
  return kubectl(...['-n', cluster.namespace, 'get', 'pods', '-l', `jobferry.dev/job=${uuid}`, '-o', 'name'])
}
