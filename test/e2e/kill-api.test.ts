import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { type ApiProcess, startApiProcess } from '../support/api-process.ts'
import { objectKeys, type TemporaryBucket, temporaryBucket, testStore } from '../support/bucket.ts'
import { kubectl, kubectlJson, type TemporaryNamespace, temporaryNamespace } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, postJson, waitForFinal } from '../support/http.ts'
import { given } from '../support/test-run.ts'

/*
 * The API gets a real SIGKILL at each step of a job's life; after a restart the job ends as if nothing had happened.
 */

const worker = {
  image: 'docker.io/library/busybox:latest',
  image_pull_policy: 'IfNotPresent',
  command: [
    'sh',
    '-c',
    'sleep 2; echo whole > $RESULT_DIRECTORY/file; dd if=/dev/zero of=$RESULT_DIRECTORY/big bs=1M count=100',
  ],
}

let namespace: TemporaryNamespace
let bucket: TemporaryBucket
let api: ApiProcess

beforeAll(async () => {
  namespace = await temporaryNamespace('kill-api')
  bucket = await temporaryBucket()
  api = await startApi()
})

afterAll(async () => {
  await api.stop()
  await bucket.remove()
  await namespace.remove()
})

it.each([0, 5, 15, 30, 60, 120])(
  'makes one job of a request whose API is killed %d ms into it',
  async (delay) => {
    const key = randomUUID()
    const asked = postJson(`${api.url}/job/deploy`, worker, { 'Idempotency-Key': key }).catch(() => undefined)
    await sleep(delay)
    await restart()
    const first = await asked
    const again = await postJson(`${api.url}/job/deploy`, worker, { 'Idempotency-Key': key })
    expect(again.status).toBe(201)
    if (first?.status === 201) expect(again.body.job_uuid).toBe(first.body.job_uuid)
    await expectWholeResult(String(again.body.job_uuid))
  },
)

it.each(['preparing', 'running', 'storing'] as const)(
  'goes on with a job that was %s when the API was killed',
  async (state) => {
    const uuid = await deploy()
    await until(uuid, state)
    await restart()
    await expectWholeResult(uuid)
  },
)

it.each([0, 10, 40])('finishes a job whose API is killed %d ms after its end', async (delay) => {
  const uuid = await deploy()
  await until(uuid, 'succeeded')
  await sleep(delay)
  await restart()
  await expectWholeResult(uuid)
})

it('notices a job that ended while no API ran', async () => {
  const uuid = await deploy()
  await until(uuid, 'running')
  await api.kill()
  await eventually(async () => expect(await podPhase(uuid)).toBe('Succeeded'), { within: 60_000 })
  api = await startApi()
  await expectWholeResult(uuid)
})

it.each([0, 20, 60])('removes all of a job whose API is killed %d ms into its deletion', async (delay) => {
  const uuid = await deploy()
  await until(uuid, 'running')
  const asked = fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' }).then(
    (response) => response.status,
    () => undefined,
  )
  await sleep(delay)
  await restart()
  // Without an answer the caller doesn't know, and asks again.
  if ((await asked) !== 204) {
    expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
  }
  await eventually(
    async () => {
      expect(
        await kubectl(
          '-n',
          namespace.name,
          'get',
          'jobs,pods,secrets',
          '-l',
          `jobferry.dev/job=${uuid}`,
          '-o',
          'name',
        ),
      ).toBe('')
      expect(await objectKeys(bucket.client, bucket.name, `jobs/${uuid}/`)).toEqual([])
    },
    { within: 60_000 },
  )
  expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404)
})

async function expectWholeResult(uuid: string): Promise<void> {
  const job = await waitForFinal(api.url, uuid, 60)
  expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete', count: 2 } })
  const file = await fetch(`${api.url}/job/${uuid}/result?file=file`)
  expect(await file.text()).toBe('whole\n')
  const list = await getJson<{ files: { path: string; size: number }[] }>(
    `${api.url}/job/${uuid}/result/list`,
  )
  expect(list.files.map(({ path, size }) => [path, size])).toEqual([
    ['big', 100 * 2 ** 20],
    ['file', 6],
  ])
  await eventually(
    async () => {
      const found = await kubectlJson<{
        items: {
          metadata: { finalizers?: string[] }
          spec: { suspend: boolean; ttlSecondsAfterFinished?: number }
        }[]
      }>('-n', namespace.name, 'get', 'jobs', '-l', `jobferry.dev/job=${uuid}`)
      expect(found.items).toHaveLength(1)
      expect(found.items[0]?.metadata.finalizers ?? []).toEqual([])
      expect(found.items[0]?.spec).toMatchObject({ suspend: false, ttlSecondsAfterFinished: 3600 })
      expect(
        (await objectKeys(bucket.client, bucket.name, 'index/')).filter((key) => key.includes(uuid)),
      ).toHaveLength(1)
      expect(await objectKeys(bucket.client, bucket.name, `jobs/${uuid}/job.json`)).toHaveLength(1)
    },
    { within: 30_000 },
  )
}

async function deploy(): Promise<string> {
  const { status, body } = await postJson(`${api.url}/job/deploy`, worker)
  expect(status).toBe(201)
  return String(body.job_uuid)
}

/** Until the job is in that state or beyond it. */
async function until(uuid: string, state: State): Promise<void> {
  const order = ['queued', 'preparing', 'running', 'storing', 'succeeded']
  await eventually(
    async () => {
      const job = await getJson<Job>(`${api.url}/job/${uuid}`)
      expect(order.indexOf(job.state)).toBeGreaterThanOrEqual(order.indexOf(state))
    },
    { within: 60_000, every: 10 },
  )
}

async function podPhase(uuid: string): Promise<string | undefined> {
  const { items } = await kubectlJson<{ items: { status: { phase: string } }[] }>(
    '-n',
    namespace.name,
    'get',
    'pods',
    '-l',
    `jobferry.dev/job=${uuid}`,
  )
  return items[0]?.status.phase
}

async function restart(): Promise<void> {
  await api.kill()
  api = await startApi()
}

function startApi(): Promise<ApiProcess> {
  const { endpoint, accessKey, secretKey } = testStore()
  return startApiProcess({
    KUBECONFIG: given('KUBECONFIG'),
    NAMESPACE: namespace.name,
    UPLOADER_IMAGE: given('UPLOADER_IMAGE'),
    S3_ENDPOINT: endpoint,
    S3_ENDPOINT_FOR_PODS: given('S3_ENDPOINT_FOR_PODS'),
    S3_ACCESS_KEY: accessKey,
    S3_SECRET_KEY: secretKey,
    S3_BUCKET: bucket.name,
    // A container that is started again in its pod.
    POD_UID: bucket.name,
  })
}
