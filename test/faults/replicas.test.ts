import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Job, State } from '../../src/job/job.ts'
import { type ApiOnCluster, apiOnCluster } from '../support/api-on-cluster.ts'
import type { ApiProcess } from '../support/api-process.ts'
import { objectKeys } from '../support/bucket.ts'
import { kubectl, kubectlJson } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { getJson, waitForFinal } from '../support/http.ts'
import { busybox } from '../support/on-cluster.ts'
import { fault, someMoment } from './plan.ts'

/*
 * Several replicas of the API on one namespace and bucket. None knows of another but through the cluster and the
 * store; the Lease's holder alone finishes jobs.
 */

/** Kubernetes' usual 15 s until a Lease that isn't renewed may be taken, the takers' own 5 s, and some. */
const takeOverMilliseconds = 30_000

let cluster: ApiOnCluster
let replicas: ApiProcess[] = []

beforeAll(async () => {
  cluster = await apiOnCluster({ name: 'replicas' })
  replicas = await Promise.all([cluster.start(), cluster.start()])
})

afterAll(() => cluster.close())

fault('one request is sent to two replicas at once → one job, one answer', 60, async () => {
  const [key, bytes] = [randomUUID(), randomBytes(300_000)]
  const answers = await Promise.all(urls().map((url) => deploy(url, { key, input: bytes })))
  const uuid = answers[0]?.uuid ?? ''
  expect(answers).toEqual(urls().map(() => ({ status: 201, uuid })))
  await expectResult(uuid, bytes)
  await expectOneJob(uuid)
})

fault(
  'two requests with one key meet at two replicas → one job of one of them, 422 for the other',
  60,
  async () => {
    const key = randomUUID()
    const inputs = urls().map(() => randomBytes(300_000))
    const answers = await Promise.all(
      urls().map(async (url, index) => {
        await sleep(Math.random() * 30)
        return deploy(url, { key, input: inputs[index] ?? Buffer.of() })
      }),
    )
    const winner = answers.findIndex(({ status }) => status === 201)
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422])
    const { uuid = '' } = answers[winner] ?? {}
    await expectResult(uuid, inputs[winner] ?? Buffer.of())
    for (const url of urls()) {
      expect(await deploy(url, { key, input: inputs[1 - winner] ?? Buffer.of() })).toMatchObject({
        status: 422,
      })
      expect(await deploy(url, { key, input: inputs[winner] ?? Buffer.of() })).toEqual({ status: 201, uuid })
    }
    await expectOneJob(uuid)
  },
)

fault(
  'a wrong request with the key of one at another replica fails → that one’s inputs stay',
  60,
  async () => {
    const [key, bytes] = [randomUUID(), randomBytes(300_000)]
    const [first = '', second = ''] = urls()
    const [right, wrong] = await Promise.all([
      deploy(first, { key, input: bytes, script: `sleep 1; ${copying}` }),
      deploy(second, { key, input: randomBytes(300_000), fields: { image: 'NO IMAGE' } }),
    ])
    expect(wrong.status).toBe(400)
    await expectResult(right.uuid, bytes)
    await expectOneJob(right.uuid)
  },
)

fault('a job is deployed at one replica → seen, cancelled and read at the other', 60, async () => {
  const [first = '', second = ''] = urls()
  const bytes = randomBytes(100_000)
  const { uuid } = await deploy(first, {
    input: bytes,
    script: `${copying}; sleep 600`,
    fields: { stop_grace_seconds: 6 },
  })
  expect(await getJson<Job>(`${second}/job/${uuid}`)).toMatchObject({ job_uuid: uuid })
  await until(second, uuid, 'running')
  await sleep(1500)
  expect((await fetch(`${second}/job/${uuid}/cancel`, { method: 'POST' })).status).toBeLessThan(300)
  const ended = await Promise.all(urls().map((url) => waitForFinal(url, uuid, 60)))
  for (const job of ended) expect(job).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
  await expectBytes(uuid, bytes)
  await eventually(() => expectSameAnswers(uuid), { within: 30_000, every: 500 })
})

const phases = ['running', 'storing', 'succeeded'] as const

for (const phase of phases) {
  fault(`the Lease’s holder is killed when a job is ${phase} → the other one finishes it`, 120, async () => {
    const bytes = randomBytes(100_000)
    const holder = await leaseHolder()
    const { uuid } = await deploy(holder.url, {
      input: bytes,
      script: `sleep 2; ${copying}; ${someMegabytes}`,
    })
    await until(holder.url, uuid, phase)
    await someMoment(phase === 'running' ? 2000 : 50)
    await holder.kill()
    await expectTakenOver(holder)
    await expectResult(uuid, bytes, 2)
    await expectOneJob(uuid)
  })
}

fault(
  'the Lease’s holder is killed while it deletes a job → the other one removes all of it',
  120,
  async () => {
    const holder = await leaseHolder()
    const { uuid } = await deploy(holder.url, { input: randomBytes(1000), script: `${copying}; sleep 600` })
    await until(holder.url, uuid, 'running')
    const asked = fetch(`${holder.url}/job/${uuid}`, { method: 'DELETE' }).then(
      ({ status }) => status,
      () => undefined,
    )
    await someMoment(300)
    await holder.kill()
    await expectTakenOver(holder)
    const [url = ''] = urls()
    if ((await asked) !== 204)
      expect((await fetch(`${url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    await eventually(() => expectNothingOf(uuid), { within: 60_000, every: 500 })
    expect((await fetch(`${url}/job/${uuid}`)).status).toBe(404)
  },
)

fault(
  'a replica is killed while it takes a request → the other one makes the one job of it at once',
  90,
  async () => {
    const [key, bytes] = [randomUUID(), randomBytes(3_000_000)]
    const [victim, other] = replicas
    if (victim === undefined || other === undefined) throw new Error('there are no two replicas')
    const asked = deploy(victim.url, { key, input: bytes }).catch(() => undefined)
    await someMoment(150)
    await victim.kill()
    const first = await asked
    const again = await deploy(other.url, { key, input: bytes })
    expect(again.status).toBe(201)
    if (first !== undefined) expect(first).toEqual(again)
    await replace(victim)
    await expectResult(again.uuid, bytes)
    await expectOneJob(again.uuid)
    const { status } = await fetch(`${other.url}/job/${again.uuid}`, { method: 'DELETE' })
    expect(status).toBe(204)
    await eventually(() => expectNothingOf(again.uuid), { within: 60_000, every: 500 })
  },
)

fault(
  'replicas are replaced one after another while jobs are deployed → no request fails, one job for each',
  150,
  async () => {
    const deployed = new Map<string, string>()
    const unexpected: unknown[] = []
    let going = true
    const loop = async () => {
      for (let number = 0; going; number += 1) {
        const key = randomUUID()
        try {
          const { status, uuid } = await deployAnywhere(key, number)
          if (status !== 201) unexpected.push({ status, uuid })
          else deployed.set(key, uuid)
        } catch (error) {
          unexpected.push(error)
        }
        await sleep(500)
      }
    }
    const looping = loop()
    for (const old of [...replicas]) {
      await sleep(1000)
      const fresh = await cluster.start()
      replicas.push(fresh)
      replicas = replicas.filter((one) => one !== old)
      expect(await old.stop()).toBe(0)
    }
    await sleep(1000)
    going = false
    await looping
    expect(unexpected).toEqual([])
    expect(deployed.size).toBeGreaterThan(3)
    const uuids = [...deployed.values()]
    expect(new Set(uuids).size).toBe(uuids.length)
    for (const [key, uuid] of deployed) {
      expect(await waitForFinal(urls()[0] ?? '', uuid, 120)).toMatchObject({ state: 'succeeded' })
      await expectBytes(uuid, Buffer.from(key))
      await expectOneJob(uuid)
    }
  },
)

const copying = 'cp /input/data $RESULT_DIRECTORY/data'
const someMegabytes = 'dd if=/dev/zero of=$RESULT_DIRECTORY/big bs=1M count=60'

interface Asked {
  input: Uint8Array
  key?: string
  script?: string
  fields?: Record<string, unknown>
}

interface Answered {
  status: number
  uuid: string
}

async function deploy(url: string, { key, input, script = copying, fields }: Asked): Promise<Answered> {
  const form = new FormData()
  form.append('input', new Blob([new Uint8Array(input)]), 'data')
  form.append('request', JSON.stringify({ ...busybox(script), ...fields }))
  const headers: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key }
  const response = await fetch(`${url}/job/deploy`, { method: 'POST', headers, body: form })
  const { job_uuid: uuid = '' } = (await response.json()) as { job_uuid?: string }
  return { status: response.status, uuid }
}

/** At one replica after another, as a Service does; only a connection that was not taken up leads to the next one. */
async function deployAnywhere(key: string, number: number): Promise<Answered> {
  for (let tries = 1; ; tries += 1) {
    const url = urls()[(number + tries) % replicas.length] ?? ''
    try {
      return await deploy(url, { key, input: Buffer.from(key) })
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string }
      if (code !== 'ECONNREFUSED' || tries === 5) throw error
    }
  }
}

function urls(): string[] {
  return replicas.map(({ url }) => url)
}

async function leaseHolder(): Promise<ApiProcess> {
  return await eventually(
    () => {
      const holder = replicas.find(holdsLease)
      if (holder === undefined) throw new Error('nobody holds the Lease')
      return holder
    },
    { within: takeOverMilliseconds },
  )
}

function holdsLease({ log }: ApiProcess): boolean {
  const last = log.findLast((line) => line.includes('holds the Lease"'))
  return last !== undefined && !last.includes('no longer')
}

/** Another replica has the Lease in time; the killed one is replaced. */
async function expectTakenOver(killed: ApiProcess): Promise<void> {
  const began = Date.now()
  replicas = replicas.filter((one) => one !== killed)
  await leaseHolder()
  console.info(`the Lease was taken over after ${Date.now() - began} ms`)
  replicas.push(await cluster.start())
}

async function replace(killed: ApiProcess): Promise<void> {
  replicas = [...replicas.filter((one) => one !== killed), await cluster.start()]
}

/** Until the job is in that state or beyond it. */
async function until(url: string, uuid: string, state: State): Promise<void> {
  const order = ['queued', 'preparing', 'running', 'storing', 'succeeded']
  await eventually(
    async () => {
      const job = await getJson<Job>(`${url}/job/${uuid}`)
      expect(order.indexOf(job.state)).toBeGreaterThanOrEqual(order.indexOf(state))
    },
    { within: 60_000, every: 20 },
  )
}

async function expectResult(uuid: string, bytes: Uint8Array, count = 1): Promise<void> {
  const ended = await Promise.all(urls().map((url) => waitForFinal(url, uuid, 90)))
  for (const job of ended) {
    expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, result: { state: 'complete', count } })
  }
  await expectBytes(uuid, bytes)
}

/** At every replica. */
async function expectBytes(uuid: string, bytes: Uint8Array): Promise<void> {
  for (const url of urls()) {
    const answer = await fetch(`${url}/job/${uuid}/result?file=data`)
    expect(answer.status).toBe(200)
    expect(sha256(await answer.bytes())).toBe(sha256(bytes))
  }
}

/** One Job that was let go, one record, one entry in the index, one set of inputs; all replicas say the same. */
async function expectOneJob(uuid: string): Promise<void> {
  await eventually(
    async () => {
      const { items } = await kubectlJson<{ items: { metadata: { finalizers?: string[] } }[] }>(
        ...['-n', cluster.namespace, 'get', 'jobs', '-l', `jobferry.dev/job=${uuid}`],
      )
      expect(items.map(({ metadata }) => metadata.finalizers ?? [])).toEqual([[]])
      await expectSameAnswers(uuid)
    },
    { within: takeOverMilliseconds, every: 500 },
  )
  const keys = await objectKeys(cluster.client, cluster.bucket, `jobs/${uuid}/`)
  expect(keys.filter((key) => key.includes('/input'))).toHaveLength(2)
}

async function expectSameAnswers(uuid: string): Promise<void> {
  const [first, ...others] = await Promise.all(urls().map((url) => getJson<Job>(`${url}/job/${uuid}`)))
  for (const other of others) expect(other).toEqual(first)
  const index = await objectKeys(cluster.client, cluster.bucket, 'index/')
  expect(index.filter((key) => key.includes(uuid))).toHaveLength(1)
  expect(await objectKeys(cluster.client, cluster.bucket, `jobs/${uuid}/job.json`)).toHaveLength(1)
}

async function expectNothingOf(uuid: string): Promise<void> {
  const selector = ['-l', `jobferry.dev/job=${uuid}`, '-o', 'name']
  expect(await kubectl('-n', cluster.namespace, 'get', 'jobs,pods,secrets,configmaps', ...selector)).toBe('')
  expect(await objectKeys(cluster.client, cluster.bucket, `jobs/${uuid}/`)).toEqual([])
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
