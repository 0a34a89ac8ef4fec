import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { objectKeys } from '../support/bucket.ts'
import { applyManifests, kubectl } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, postJson, waitForFinal } from '../support/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../support/on-cluster.ts'

let api: OnCluster
beforeAll(async () => {
  api = await startOnCluster()
})
afterAll(() => api.close())

it("shows a failed worker's exit code and what it left as a partial result", async () => {
  const uuid = await deploy('echo half > $RESULT_DIRECTORY/half.txt; echo why >&2; exit 1')
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
    state: 'failed',
    reason: 'Error',
    exit_code: 1,
    result: { state: 'partial', count: 1, bytes: 5 },
  })
  const file = await fetch(`${api.url}/job/${uuid}/result?file=half.txt`)
  expect(file.headers.get('jobferry-result-state')).toBe('partial')
  expect(await file.text()).toBe('half\n')
  const log = await fetch(`${api.url}/job/${uuid}/log`)
  expect(await log.text()).toBe('why\n')
})

it('names an image that does not exist within 30 s, and fails the job after its time to start', async () => {
  const uuid = await deployed({ image: 'registry.invalid/none:1', start_timeout_seconds: 25 })
  const waiting = await untilReason(uuid, 30_000)
  expect(waiting).toMatchObject({ state: 'preparing' })
  expect(waiting.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/)
  expect(waiting.message).toContain('registry.invalid/none:1')
  const failed = await waitForFinal(api.url, uuid, 60)
  expect(failed).toMatchObject({ state: 'failed', exit_code: null, result: { state: 'missing' } })
  expect(failed.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/)
  expect((await fetch(`${api.url}/job/${uuid}/result/list`)).status).toBe(409)
})

it('names a command that the image does not have, and knows that its worker never started', async () => {
  const uuid = await deployed({ ...busybox(''), command: ['misspelt'] })
  const failed = await waitForFinal(api.url, uuid, 60)
  expect(failed).toMatchObject({ state: 'failed', reason: 'Error', started_at: null, exit_code: null })
  expect(failed.message).toContain('"misspelt"')
})

it('names a ConfigMap that is missing', async () => {
  const uuid = await deploy('exit 0', { config_map_ref: ['env-nosuch'] })
  const waiting = await untilReason(uuid, 30_000)
  expect(waiting).toMatchObject({ reason: 'CreateContainerConfigError' })
  expect(waiting.message).toContain('env-nosuch')
  await removed(uuid)
})

it('names what no node has', async () => {
  const uuid = await deploy('exit 0', { cpu: '500' })
  expect(await untilReason(uuid, 15_000)).toMatchObject({ state: 'queued', reason: 'Unschedulable' })
  await removed(uuid)
})

it('names a volume claim that is missing', async () => {
  const uuid = await deploy('exit 0', { volumes: [{ claim: 'nosuch', mount_path: '/data' }] })
  expect((await untilReason(uuid, 15_000)).message).toContain('nosuch')
  await removed(uuid)
})

it('names a quota that is exceeded, and runs the job once there is room', async () => {
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'no-pods', namespace: api.namespace },
    spec: { hard: { pods: '0' } },
  }
  await applyManifests(JSON.stringify(quota))
  await eventually(async () => {
    const status = await kubectl(
      '-n',
      api.namespace,
      'get',
      'resourcequota',
      'no-pods',
      '-o',
      'jsonpath={.status.hard.pods}',
    )
    expect(status).toBe('0')
  })
  const uuid = await deploy('exit 0')
  const waiting = await untilReason(uuid, 30_000)
  expect(waiting).toMatchObject({ state: 'queued', reason: 'QuotaExceeded' })
  expect(waiting.message).toContain('no-pods')
  await kubectl('-n', api.namespace, 'delete', 'resourcequota', 'no-pods')
  expect(await waitForFinal(api.url, uuid, 90)).toMatchObject({ state: 'succeeded' })
})

it('cancels a worker that ignores SIGTERM in less than 45 s and keeps what it had produced', async () => {
  const uuid = await deploy(stubborn)
  await until(uuid, 'running')
  await eventually(async () =>
    expect(await (await fetch(`${api.url}/job/${uuid}/log`)).text()).toBe('begun\n'),
  )
  const canceledAt = Date.now()
  expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).status).toBe(202)
  const job = await waitForFinal(api.url, uuid, 45)
  expect(job).toMatchObject({ state: 'canceled', reason: 'Canceled', result: { state: 'partial', count: 1 } })
  expect(await (await fetch(`${api.url}/job/${uuid}/result?file=begun.txt`)).text()).toBe('begun\n')
  await goneFromCluster(uuid, canceledAt + 45_000)
  expect(await (await fetch(`${api.url}/job/${uuid}/log`)).text()).toBe('begun\n')
})

it('removes a worker that ignores SIGTERM in less than 45 s', async () => {
  const uuid = await deploy(stubborn)
  await until(uuid, 'running')
  const deletedAt = Date.now()
  await removed(uuid)
  expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404)
  await goneFromCluster(uuid, deletedAt + 45_000)
  await eventually(async () => expect(await keys(uuid)).toEqual([]), { within: 5000 })
})

it('removes a job that is storing, and nothing of it appears later', async () => {
  const uuid = await deploy(large)
  await until(uuid, 'storing')
  await sleep(500)
  expect((await getJson<Job>(`${api.url}/job/${uuid}`)).state).toBe('storing')
  const deletedAt = Date.now()
  await removed(uuid)
  await goneFromCluster(uuid, deletedAt + 45_000)
  await eventually(async () => expect(await keys(uuid)).toEqual([]), { within: 5000 })
  for (let second = 0; second < 5; second++) {
    await sleep(1000)
    expect(await keys(uuid)).toEqual([])
  }
})

it('cancels a job that is storing and keeps the files that were stored', async () => {
  const uuid = await deploy(large)
  await until(uuid, 'storing')
  await eventually(async () =>
    expect((await keys(uuid)).filter((key) => key.includes('/files/')).length).toBeGreaterThan(0),
  )
  await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
  const job = await waitForFinal(api.url, uuid, 30)
  expect(job).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
  const list = await getJson<{ files: { path: string; size: number }[] }>(
    `${api.url}/job/${uuid}/result/list`,
  )
  expect(list.files.length).toBeGreaterThan(0)
  expect(list.files.length).toBeLessThan(16)
  expect(list.files.every(({ size }) => size === 100 * 2 ** 20)).toBe(true)
})

it('stops a worker whose time is over and keeps what it had produced', async () => {
  const uuid = await deploy('echo begun > $RESULT_DIRECTORY/begun.txt; exec sleep 600', {
    timeout_seconds: 3,
    stop_grace_seconds: 5,
  })
  expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({
    state: 'failed',
    reason: 'TimeoutExceeded',
    result: { state: 'partial', count: 1 },
  })
})

const stubborn =
  'trap "" TERM; echo begun > $RESULT_DIRECTORY/begun.txt; echo begun; while :; do sleep 1; done'
const large =
  'for i in $(seq 16); do dd if=/dev/urandom of=$RESULT_DIRECTORY/$i bs=1M count=100 2>/dev/null; done'

function deploy(script: string, fields: Record<string, unknown> = {}): Promise<string> {
  return deployed({
    image: 'docker.io/library/busybox:latest',
    image_pull_policy: 'IfNotPresent',
    command: ['sh', '-c', script],
    ...fields,
  })
}

async function deployed(request: Record<string, unknown>): Promise<string> {
  const { status, body } = await postJson(`${api.url}/job/deploy`, request)
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

async function removed(uuid: string): Promise<void> {
  expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
}

async function until(uuid: string, state: State): Promise<void> {
  await eventually(async () => expect((await getJson<Job>(`${api.url}/job/${uuid}`)).state).toBe(state), {
    within: 90_000,
    every: 20,
  })
}

function untilReason(uuid: string, within: number): Promise<Job> {
  return eventually(
    async () => {
      const job = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(job.reason).not.toBeNull()
      return job
    },
    { within },
  )
}

async function goneFromCluster(uuid: string, deadline: number): Promise<void> {
  const left = () =>
    kubectl(
      '-n',
      api.namespace,
      'get',
      'jobs,pods,secrets,configmaps',
      '-l',
      `jobferry.dev/job=${uuid}`,
      '-o',
      'name',
    )
  await eventually(async () => expect(await left()).toBe(''), { within: deadline - Date.now() })
}

function keys(uuid: string): Promise<string[]> {
  return objectKeys(api.client, api.bucket, `jobs/${uuid}/`)
}
