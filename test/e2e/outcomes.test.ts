import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { deployJob, getJson, waitForFinal } from '../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster } from '../support/api/on-cluster.ts'
import { applyManifests, kubectl } from '../support/cluster/cluster.ts'
import { given } from '../support/cluster/test-run.ts'
import { objectKeys } from '../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../support/store/fault-proxy.ts'
import { eventually } from '../support/time/eventually.ts'

let proxy: FaultProxy
let api: OnCluster
beforeAll(async () => {
  proxy = await startFaultProxy(given('S3_ENDPOINT_FOR_PODS'), given('NODE_ADDRESS'))
  api = await startOnCluster({ environment: { S3_ENDPOINT_FOR_PODS: proxy.url } })
})
afterEach(() => proxy.setFault({ kind: 'pass' }))
afterAll(async () => {
  await api?.close()
  await proxy?.close()
})

it("shows a failed worker's exit code and its files as a partial result", async () => {
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

it('keeps the log of each attempt after its pod is gone', async () => {
  const uuid = await deploy('echo $HOSTNAME; exit 1', { retries: 1 })
  expect(await waitForFinal(api.url, uuid, 120)).toMatchObject({ state: 'failed', attempt: { number: 2 } })
  await eventually(
    async () => {
      const keys = await objectKeys(api.client, api.bucket, `jobs/${uuid}/log/`)
      expect(keys).toContain(`jobs/${uuid}/log/1/worker.txt`)
    },
    { within: 60_000 },
  )
  await kubectl('-n', api.namespace, 'delete', 'pods', '-l', `jobferry.dev/job=${uuid}`)
  const logs = await Promise.all(
    ['?attempt=1', '?attempt=2', ''].map(async (query) => {
      const answer = await fetch(`${api.url}/job/${uuid}/log${query}`)
      expect(answer.headers.get('jobferry-log-beginning')).toBe('unknown')
      return await answer.text()
    }),
  )
  expect(logs[0]).toContain(uuid)
  expect(logs[0]).not.toBe(logs[1])
  expect(logs[2]).toBe(logs[1])
})

it('names a missing image within 30 s, and fails the job after its start_timeout_seconds', async () => {
  const uuid = await deployJob(api.url, { image: 'registry.invalid/none:1', start_timeout_seconds: 25 })
  const waiting = await untilReason(uuid, 30_000)
  expect(waiting).toMatchObject({ state: 'preparing' })
  expect(waiting.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/)
  expect(waiting.message).toContain('registry.invalid/none:1')
  const failed = await waitForFinal(api.url, uuid, 60)
  expect(failed).toMatchObject({ state: 'failed', exit_code: null, result: { state: 'missing' } })
  expect(failed.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/)
  expect((await fetch(`${api.url}/job/${uuid}/result/list`)).status).toBe(409)
})

it('names a command that the image lacks, and reports no start of the worker', async () => {
  const uuid = await deployJob(api.url, { ...busybox(''), command: ['misspelt'] })
  const failed = await waitForFinal(api.url, uuid, 60)
  expect(failed).toMatchObject({ state: 'failed', reason: 'Error', started_at: null, exit_code: 127 })
  expect(failed.message).toContain('"misspelt"')
})

it('names a missing ConfigMap', async () => {
  const uuid = await deploy('exit 0', { config_map_ref: ['env-nosuch'] })
  const waiting = await untilReason(uuid, 30_000)
  expect(waiting).toMatchObject({ reason: 'CreateContainerConfigError' })
  expect(waiting.message).toContain('env-nosuch')
  await deleteJob(uuid)
})

it('reports a request for more CPUs than any node has as Unschedulable', async () => {
  const uuid = await deploy('exit 0', { cpu: '500' })
  expect(await untilReason(uuid, 15_000)).toMatchObject({ state: 'queued', reason: 'Unschedulable' })
  await deleteJob(uuid)
})

it('names a missing volume claim', async () => {
  const uuid = await deploy('exit 0', { volumes: [{ claim: 'nosuch', mount_path: '/data' }] })
  expect((await untilReason(uuid, 15_000)).message).toContain('nosuch')
  await deleteJob(uuid)
})

it('names an exceeded quota, and runs the job once the quota is gone', async () => {
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

it('cancels a worker that ignores SIGTERM after its grace and keeps its files', async () => {
  const uuid = await deploy(stubborn, { stop_grace_seconds: 8 })
  await until(uuid, 'running')
  await eventually(async () =>
    expect(await (await fetch(`${api.url}/job/${uuid}/log`)).text()).toBe('begun\n'),
  )
  expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).status).toBe(202)
  const job = await waitForFinal(api.url, uuid, 45)
  expect(job).toMatchObject({ state: 'canceled', reason: 'Canceled', result: { state: 'partial', count: 1 } })
  expect(await (await fetch(`${api.url}/job/${uuid}/result?file=begun.txt`)).text()).toBe('begun\n')
  await goneFromCluster(uuid)
  expect(await (await fetch(`${api.url}/job/${uuid}/log`)).text()).toBe('begun\n')
})

it('removes a worker that ignores SIGTERM after its grace', async () => {
  const uuid = await deploy(stubborn, { stop_grace_seconds: 8 })
  await until(uuid, 'running')
  await deleteJob(uuid)
  expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404)
  await goneFromCluster(uuid)
  await eventually(async () => expect(await keys(uuid)).toEqual([]), { within: 5000 })
})

it('removes a storing job, and none of its objects appears later', async () => {
  const uuid = await storingSlowly()
  await sleep(500)
  expect((await getJson<Job>(`${api.url}/job/${uuid}`)).state).toBe('storing')
  await deleteJob(uuid)
  await goneFromCluster(uuid)
  await eventually(async () => expect(await keys(uuid)).toEqual([]), { within: 5000 })
  for (let second = 0; second < 5; second++) {
    await sleep(1000)
    expect(await keys(uuid)).toEqual([])
  }
})

it('cancels a storing job and keeps its stored files', async () => {
  const uuid = await storingSlowly()
  await eventually(async () =>
    expect((await keys(uuid)).filter((key) => key.includes('/files/')).length).toBeGreaterThan(0),
  )
  await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })
  const job = await waitForFinal(api.url, uuid, 30)
  expect(job).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
  const list = await getJson<{ files: { path: string; size: number; error?: string }[] }>(
    `${api.url}/job/${uuid}/result/list`,
  )
  expect(list.files).toHaveLength(16)
  const left = list.files.filter(({ error }) => error !== undefined)
  expect(left.length).toBeGreaterThan(0)
  expect(left.length).toBeLessThan(16)
  expect(job.message).toMatch(new RegExp(`${left.length} of 16 entries (is|are) not stored whole`))
  expect(list.files.every(({ size }) => size === fileBytes)).toBe(true)
})

it('stops a worker after its timeout_seconds and keeps its files', async () => {
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
const fileBytes = 8 * 2 ** 20
const large = `for i in $(seq 16); do head -c ${fileBytes} /dev/urandom >$RESULT_DIRECTORY/$i; done; sleep 1`

/** A job whose results take half a minute to store. */
async function storingSlowly(): Promise<string> {
  const uuid = await deploy(large)
  await until(uuid, 'running')
  await proxy.setFault({ kind: 'throttle', bytesPerSecond: 2 ** 20 })
  await until(uuid, 'storing')
  return uuid
}

function deploy(script: string, fields: Record<string, unknown> = {}): Promise<string> {
  return deployJob(api.url, { ...busybox(script), ...fields })
}

async function deleteJob(uuid: string): Promise<void> {
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

async function goneFromCluster(uuid: string): Promise<void> {
  const kinds = 'jobs,pods,secrets,configmaps'
  const ofJob = ['-l', `jobferry.dev/job=${uuid}`]
  const left = () => kubectl('-n', api.namespace, 'get', kinds, ...ofJob, '-o', 'name')
  await eventually(async () => expect(await left()).toBe(''), { within: 30_000 })
}

function keys(uuid: string): Promise<string[]> {
  return objectKeys(api.client, api.bucket, `jobs/${uuid}/`)
}
