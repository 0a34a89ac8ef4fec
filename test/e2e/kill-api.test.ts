import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { atLength } from '../faults/plan.ts'
import { type ApiOnCluster, apiOnCluster } from '../support/api/api-on-cluster.ts'
import type { ApiProcess } from '../support/api/api-process.ts'
import { getJson, postJson, waitForFinal } from '../support/api/http.ts'
import { kubectl, kubectlJson } from '../support/cluster/cluster.ts'
import { objectKeys } from '../support/store/bucket.ts'
import { eventually } from '../support/time/eventually.ts'

/*
 * The API gets a real SIGKILL at each step of a job's life; after a
 * restart the job ends as without it.
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

let cluster: ApiOnCluster
let api: ApiProcess

beforeAll(async () => {
  // All processes share one identity, so that the next one needn't wait for the killed one's Lease.
  cluster = await apiOnCluster({ name: 'kill-api', environment: { POD_UID: randomUUID() } })
  api = await cluster.start()
})

afterAll(() => cluster.discard())

it.each(atLength ? [0, 5, 15, 30, 60, 120] : [5, 30, 120])(
  'makes one job of a request when the API is killed %d ms into it',
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
  'resumes a job that was %s when the API was killed',
  async (state) => {
    const uuid = await deploy()
    await until(uuid, state)
    await restart()
    await expectWholeResult(uuid)
  },
)

it.each(atLength ? [0, 10, 40] : [10])(
  'finishes a job when the API is killed %d ms after the job’s end',
  async (delay) => {
    const uuid = await deploy()
    await until(uuid, 'succeeded')
    await sleep(delay)
    await restart()
    await expectWholeResult(uuid)
  },
)

it('notices a job that ended while no API ran', async () => {
  const uuid = await deploy()
  await until(uuid, 'running')
  await api.kill()
  await eventually(async () => expect(await podPhase(uuid)).toBe('Succeeded'), { within: 60_000 })
  api = await cluster.start()
  await expectWholeResult(uuid)
})

it.each(atLength ? [0, 20, 60] : [20])(
  'removes all of a job when the API is killed %d ms into its deletion',
  async (delay) => {
    const uuid = await deploy()
    await until(uuid, 'running')
    const asked = fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' }).then(
      (response) => response.status,
      () => undefined,
    )
    await sleep(delay)
    await restart()
    // Without an answer the client has to repeat the request.
    if ((await asked) !== 204) {
      expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    }
    await eventually(
      async () => {
        expect(
          await kubectl(
            '-n',
            cluster.namespace,
            'get',
            'jobs,pods,secrets',
            '-l',
            `jobferry.dev/job=${uuid}`,
            '-o',
            'name',
          ),
        ).toBe('')
        expect(await objectKeys(cluster.client, cluster.bucket, `jobs/${uuid}/`)).toEqual([])
      },
      { within: 60_000 },
    )
    expect((await fetch(`${api.url}/job/${uuid}`)).status).toBe(404)
  },
)

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
      }>('-n', cluster.namespace, 'get', 'jobs', '-l', `jobferry.dev/job=${uuid}`)
      expect(found.items).toHaveLength(1)
      expect(found.items[0]?.metadata.finalizers ?? []).toEqual([])
      expect(found.items[0]?.spec).toMatchObject({ suspend: false, ttlSecondsAfterFinished: 3600 })
      expect(
        (await objectKeys(cluster.client, cluster.bucket, 'index/')).filter((key) => key.includes(uuid)),
      ).toHaveLength(1)
      expect(await objectKeys(cluster.client, cluster.bucket, `jobs/${uuid}/job.json`)).toHaveLength(1)
    },
    { within: 30_000 },
  )
}

async function deploy(): Promise<string> {
  const { status, body } = await postJson(`${api.url}/job/deploy`, worker)
  expect(status).toBe(201)
  return String(body.job_uuid)
}

/** Waits until the job has reached this state or a later one. */
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
    cluster.namespace,
    'get',
    'pods',
    '-l',
    `jobferry.dev/job=${uuid}`,
  )
  return items[0]?.status.phase
}

async function restart(): Promise<void> {
  await api.kill()
  api = await cluster.start()
}
