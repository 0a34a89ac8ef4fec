import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, postJson, waitForFinal } from '../../support/api/http.ts'
import { busybox, type OnCluster, startOnCluster, untilState } from '../../support/api/on-cluster.ts'
import { kubectl } from '../../support/cluster/cluster.ts'
import { given } from '../../support/cluster/test-run.ts'
import { objectKeys } from '../../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { eventually } from '../../support/time/eventually.ts'
import { expectWritten } from '../as-written.ts'
import { fault, outage } from '../plan.ts'

/*
 * The store answers neither the pods nor the API. The tests show which
 * requests still work, and how the jobs end.
 */

let proxy: FaultProxy
let api: OnCluster
const graceSeconds = 5

beforeAll(async () => {
  proxy = await startFaultProxy(given('S3_ENDPOINT'), given('NODE_ADDRESS'))
  const environment = { S3_ENDPOINT: proxy.url, S3_ENDPOINT_FOR_PODS: proxy.url, LOG_LEVEL: 'fatal' }
  api = await startOnCluster({ name: 'no-store', environment })
})
afterEach(() => proxy.setFault({ kind: 'pass' }))
afterAll(async () => {
  await api?.close()
  await proxy?.close()
})

for (const kind of ['refuse', 'hang'] as const) {
  fault(`the store is gone (${kind}) while a job is storing → DELETE ends the pod in time`, 120, async () => {
    const uuid = await storingWithout(kind)
    const deletedAt = Date.now()
    expect((await fetch(`${api.url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    await noPod(uuid)
    // The uploader's time to end, and a margin for the kubelet and a slow machine.
    expect(Date.now() - deletedAt).toBeLessThan((graceSeconds + 60) * 1000)
    await outage()
    await proxy.setFault({ kind: 'pass' })
    await eventually(
      async () => {
        expect(await objectKeys(api.client, api.bucket, `jobs/${uuid}/`)).toEqual([])
        const selector = `jobferry.dev/job=${uuid}`
        expect(await kubectl('-n', api.namespace, 'get', 'jobs,secrets', '-l', selector, '-o', 'name')).toBe(
          '',
        )
      },
      { within: 60_000, every: 500 },
    )
  })
}

fault(
  'the store is gone while a job is storing → cancel ends the pod in time, canceled once the store is back',
  120,
  async () => {
    const uuid = await storingWithout('refuse')
    expect((await fetch(`${api.url}/job/${uuid}/cancel`, { method: 'POST' })).status).toBe(202)
    await noPod(uuid)
    await eventually(async () => {
      const { state, message } = await jobOf(uuid)
      expect(state).toBe('storing')
      expect(message).toMatch(/canceled by request.*can't ask the store/)
    })
    await proxy.setFault({ kind: 'pass' })
    expect(await waitForFinal(api.url, uuid, 60)).toMatchObject({ state: 'canceled', reason: 'Canceled' })
  },
)

fault(
  'the store is gone → requests that need it answer 503 until it is back, then ended jobs finish',
  150,
  async () => {
    const finished = await deploy('echo one > $RESULT_DIRECTORY/one.txt')
    await waitForFinal(api.url, finished, 60)
    // Wait for the archive, after which only the store knows the job.
    await eventually(async () => {
      const keys = await objectKeys(api.client, api.bucket, `jobs/${finished}/`)
      expect(keys.filter((key) => key.endsWith('job.json'))).toHaveLength(1)
    })
    const ending = await deploy('sleep 3; echo two > $RESULT_DIRECTORY/two.txt')
    await untilState(api.url, ending, 'running')
    await proxy.setFault({ kind: 'refuse' })

    const withInput = new FormData()
    withInput.set('request', JSON.stringify(busybox('true')))
    withInput.append('input', new Blob(['input']), 'input.txt')
    const headers = { 'content-type': 'application/json', 'Idempotency-Key': 'a-key-of-this-test' }
    for (const [path, init] of [
      [`/job/${finished}/result?file=one.txt`, {}],
      [`/job/${finished}/result/list`, {}],
      [`/job/${finished}/result`, {}],
      ['/job', {}],
      ['/job/deploy', { method: 'POST', body: withInput }],
      ['/job/deploy', { method: 'POST', headers, body: JSON.stringify(busybox('true')) }],
    ] as [string, RequestInit][]) {
      const answer = await fetch(`${api.url}${path}`, init)
      expect([path, answer.status]).toEqual([path, 503])
      expect(Number(answer.headers.get('retry-after')), path).toBeGreaterThan(0)
      expect(await answer.json(), path).toMatchObject({ type: 'urn:jobferry:error:unavailable' })
    }
    expect((await fetch(`${api.url}/health/ready`)).status).toBe(200)
    await untilState(api.url, ending, 'storing')
    await eventually(async () => expect(await jobOf(ending)).toMatchObject({ reason: 'StoreUnavailable' }), {
      within: 30_000,
    })
    await outage()
    await proxy.setFault({ kind: 'pass' })
    expect(await waitForFinal(api.url, ending, 90)).toMatchObject({ state: 'succeeded' })
    for (const [uuid, name, text] of [
      [finished, 'one.txt', 'one\n'],
      [ending, 'two.txt', 'two\n'],
    ] as const) {
      await expectWritten(api.url, uuid, new Map([[name, sha256(text)]]))
    }
  },
)

fault(
  'the store hangs → requests that need it answer 503 within the store’s timeout, also deploys with inputs',
  90,
  async () => {
    const withInput = new FormData()
    withInput.set('request', JSON.stringify(busybox('true')))
    withInput.append('input', new Blob(['input']), 'input.txt')
    await proxy.setFault({ kind: 'hang' })
    const begun = Date.now()
    const answers = await Promise.all([
      fetch(`${api.url}/job/deploy`, { method: 'POST', body: withInput }),
      fetch(`${api.url}/job/00000000-0000-4000-8000-000000000000/result/list`),
    ])
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    expect(Date.now() - begun).toBeLessThan(120_000)
  },
)

/** Deploys a job that reaches the state `storing` without a store. */
async function storingWithout(kind: 'refuse' | 'hang'): Promise<string> {
  const uuid = await deploy('sleep 3; echo some > $RESULT_DIRECTORY/some.txt')
  await untilState(api.url, uuid, 'running')
  await proxy.setFault({ kind })
  await untilState(api.url, uuid, 'storing')
  return uuid
}

async function noPod(uuid: string): Promise<void> {
  await eventually(
    async () => {
      const pods = await kubectl(
        '-n',
        api.namespace,
        'get',
        'pods',
        '-l',
        `jobferry.dev/job=${uuid}`,
        '-o',
        'name',
      )
      expect(pods).toBe('')
    },
    { within: 60_000, every: 200 },
  )
}

const jobOf = (uuid: string) => getJson<Job>(`${api.url}/job/${uuid}`)

async function deploy(script: string): Promise<string> {
  const request = { ...busybox(script), stop_grace_seconds: graceSeconds }
  const { status, body } = await postJson(`${api.url}/job/deploy`, request)
  expect(status, JSON.stringify(body)).toBe(201)
  return String(body.job_uuid)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
