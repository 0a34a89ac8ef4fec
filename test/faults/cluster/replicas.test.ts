import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Job } from '../../../src/job/job.ts'
import { getJson, waitForFinal } from '../../support/api/http.ts'
import { eventually } from '../../support/time/eventually.ts'
import { fault, someMoment } from '../plan.ts'
import { copying, deploy, type Replicas, someMegabytes, startReplicas, until } from './replicas.ts'

/*
 * Two replicas of the API share a namespace and a bucket. They coordinate only through the cluster
 * and the store; only the leader, the Lease's holder, finishes jobs.
 */

let all: Replicas

beforeAll(async () => {
  all = await startReplicas('replicas')
})

afterAll(() => all.cluster.close())

fault('one request reaches two replicas at once → one job, one answer', 60, async () => {
  const [key, bytes] = [randomUUID(), randomBytes(300_000)]
  const answers = await Promise.all(all.urls().map((url) => deploy(url, { key, input: bytes })))
  const uuid = answers[0]?.uuid ?? ''
  expect(answers).toEqual(all.urls().map(() => ({ status: 201, uuid })))
  await all.expectResult(uuid, bytes)
  await all.expectOneJob(uuid)
})

fault(
  'two requests with one key reach two replicas at once → one job, 422 for the other request',
  60,
  async () => {
    const key = randomUUID()
    const inputs = all.urls().map(() => randomBytes(300_000))
    const answers = await Promise.all(
      all.urls().map(async (url, index) => {
        await sleep(Math.random() * 30)
        return deploy(url, { key, input: inputs[index] ?? Buffer.of() })
      }),
    )
    const winner = answers.findIndex(({ status }) => status === 201)
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422])
    const { uuid = '' } = answers[winner] ?? {}
    await all.expectResult(uuid, inputs[winner] ?? Buffer.of())
    for (const url of all.urls()) {
      expect(await deploy(url, { key, input: inputs[1 - winner] ?? Buffer.of() })).toMatchObject({
        status: 422,
      })
      expect(await deploy(url, { key, input: inputs[winner] ?? Buffer.of() })).toEqual({ status: 201, uuid })
    }
    await all.expectOneJob(uuid)
  },
)

fault(
  'an invalid request has the key of a request at another replica → 400, and the other’s inputs stay',
  60,
  async () => {
    const [key, bytes] = [randomUUID(), randomBytes(300_000)]
    const [first = '', second = ''] = all.urls()
    const [right, wrong] = await Promise.all([
      deploy(first, { key, input: bytes, script: `sleep 1; ${copying}` }),
      deploy(second, { key, input: randomBytes(300_000), fields: { image: 'NO IMAGE' } }),
    ])
    expect(wrong.status).toBe(400)
    await all.expectResult(right.uuid, bytes)
    await all.expectOneJob(right.uuid)
  },
)

fault(
  'a client deploys a job at one replica → the other one shows, cancels and serves the job',
  60,
  async () => {
    const [first = '', second = ''] = all.urls()
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
    const ended = await Promise.all(all.urls().map((url) => waitForFinal(url, uuid, 60)))
    for (const job of ended) expect(job).toMatchObject({ state: 'canceled', result: { state: 'partial' } })
    await all.expectBytes(uuid, bytes)
    await eventually(() => all.expectSameAnswers(uuid), { within: 30_000, every: 500 })
  },
)

const phases = ['running', 'storing', 'succeeded'] as const

for (const phase of phases) {
  fault(`the leader is killed when a job is ${phase} → the other replica finishes the job`, 120, async () => {
    const bytes = randomBytes(100_000)
    const holder = await all.leaseHolder()
    const { uuid } = await deploy(holder.url, {
      input: bytes,
      script: `sleep 2; ${copying}; ${someMegabytes}`,
    })
    await until(holder.url, uuid, phase)
    await someMoment(phase === 'running' ? 2000 : 50)
    await holder.kill()
    await all.expectTakenOver(holder)
    await all.expectResult(uuid, bytes, 2)
    await all.expectOneJob(uuid)
  })
}

fault(
  'the leader is killed while it deletes a job → the other replica removes all of the job',
  120,
  async () => {
    const holder = await all.leaseHolder()
    const { uuid } = await deploy(holder.url, { input: randomBytes(1000), script: `${copying}; sleep 600` })
    await until(holder.url, uuid, 'running')
    const asked = fetch(`${holder.url}/job/${uuid}`, { method: 'DELETE' }).then(
      ({ status }) => status,
      () => undefined,
    )
    await someMoment(300)
    await holder.kill()
    await all.expectTakenOver(holder)
    const [url = ''] = all.urls()
    if ((await asked) !== 204)
      expect((await fetch(`${url}/job/${uuid}`, { method: 'DELETE' })).status).toBe(204)
    await eventually(() => all.expectNothingOf(uuid), { within: 60_000, every: 500 })
    expect((await fetch(`${url}/job/${uuid}`)).status).toBe(404)
  },
)

fault(
  'a replica is killed while it receives a deploy → the other one makes the one job at once',
  90,
  async () => {
    const [key, bytes] = [randomUUID(), randomBytes(3_000_000)]
    const [victim, other] = all.processes
    if (victim === undefined || other === undefined) throw new Error('there are no two replicas')
    const asked = deploy(victim.url, { key, input: bytes }).catch(() => undefined)
    await someMoment(150)
    await victim.kill()
    const first = await asked
    const again = await deploy(other.url, { key, input: bytes })
    expect(again.status).toBe(201)
    if (first !== undefined) expect(first).toEqual(again)
    await all.replace(victim)
    await all.expectResult(again.uuid, bytes)
    // The killed one may have stored the input, and the list of inputs as well: they go with the job.
    await all.expectOneJob(again.uuid, [2, 3, 4])
    const { status } = await fetch(`${other.url}/job/${again.uuid}`, { method: 'DELETE' })
    expect(status).toBe(204)
    await eventually(() => all.expectNothingOf(again.uuid), { within: 60_000, every: 500 })
  },
)

fault(
  'replicas are replaced one by one while a client deploys jobs → no request fails, one job for each',
  150,
  async () => {
    const deployed = new Map<string, string>()
    const unexpected: unknown[] = []
    let going = true
    const loop = async () => {
      for (let number = 0; going; number += 1) {
        const key = randomUUID()
        try {
          const { status, uuid } = await all.deployAnywhere(key, number)
          if (status !== 201) unexpected.push({ status, uuid })
          else deployed.set(key, uuid)
        } catch (error) {
          unexpected.push(error)
        }
        await sleep(500)
      }
    }
    const looping = loop()
    for (const old of [...all.processes]) {
      await sleep(1000)
      const fresh = await all.cluster.start()
      all.processes.push(fresh)
      all.processes = all.processes.filter((one) => one !== old)
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
      expect(await waitForFinal(all.urls()[0] ?? '', uuid, 120)).toMatchObject({ state: 'succeeded' })
      await all.expectBytes(uuid, Buffer.from(key))
      await all.expectOneJob(uuid)
    }
  },
)
