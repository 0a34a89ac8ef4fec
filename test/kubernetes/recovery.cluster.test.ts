import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Problem } from '../../src/errors.ts'
import { type Api, createApi } from '../../src/kubernetes/api.ts'
import type { Client } from '../../src/kubernetes/client.ts'
import { createJob } from '../../src/kubernetes/creation.ts'
import { annotations, jobLabel, jobName } from '../../src/kubernetes/names.ts'
import { removeUnfinished } from '../../src/kubernetes/removal.ts'
import { forget, hasEnded, planFor, stopAs, until } from '../job/backend.conformance.ts'
import { eventually } from '../support/eventually.ts'
import { type ClusterUnderTest, clusterUnderTest } from './setup.ts'

describe('on a cluster', { timeout: 120_000 }, () => {
  let under: ClusterUnderTest
  beforeAll(async () => {
    under = await clusterUnderTest()
    await eventually(() => expect(under.backend.holdsLease()).toBe(true), { within: 30_000 })
  })
  afterAll(async () => {
    await under.close()
  })

  it.concurrent.each([1, 2, 3])(
    'a creation that dies after %i writes is completed by its replay',
    async (writes) => {
      const { api, backend, settings } = under
      const plan = planFor(under.request('test "$A$B" = 12', { job_env: { A: '1' }, env: { B: '2' } }))
      const dying = createApi(dyingClient(api.client, writes), api.namespace)
      await expect(createJob(dying, settings, plan)).rejects.toThrow('killed')
      expect((await api.jobs.get(jobName(plan.uuid)))?.spec?.suspend).toBe(true)
      expect(backend.get(plan.uuid)).toBeUndefined()

      expect(await backend.create(plan)).toEqual({ created: false, requestSha256: plan.requestSha256 })
      const { observation } = await until(backend, plan.uuid, hasEnded)
      expect(observation.attempt?.worker.exitCode).toBe(0)
      await forget(backend, plan.uuid)
      await expectNothingOf(api, plan.uuid)
    },
  )

  it.concurrent('a creation that is given up leaves nothing, unless somebody has completed it', async () => {
    const { api, backend, settings } = under
    const plan = planFor(under.request('exit 0'))
    const dying = createApi(dyingClient(api.client, 2), api.namespace)
    await expect(createJob(dying, settings, plan)).rejects.toThrow('killed')
    const unfinished = await api.jobs.get(jobName(plan.uuid))
    await backend.create(plan)
    expect(await removeUnfinished(api, unfinished ?? {})).toBe(false)
    await until(backend, plan.uuid, hasEnded)
    await forget(backend, plan.uuid)

    await expect(
      createJob(createApi(dyingClient(api.client, 2), api.namespace), settings, plan),
    ).rejects.toThrow()
    expect(await removeUnfinished(api, (await api.jobs.get(jobName(plan.uuid))) ?? {})).toBe(true)
    await expectNothingOf(api, plan.uuid)
  })

  it.concurrent('a uuid used anew gets no Secret of the job before it', async () => {
    const { api, backend, settings } = under
    const plan = planFor(under.request('test "$A" = 2', { env: { A: '1' } }))
    await expect(
      createJob(createApi(dyingClient(api.client, 2), api.namespace), settings, plan),
    ).rejects.toThrow()
    const before = await api.jobs.get(jobName(plan.uuid))
    // What a collector that lags behind leaves for a while.
    await api.secrets.merge(jobName(plan.uuid), { metadata: { finalizers: ['jobferry.dev/test'] } })
    setTimeout(() => void api.secrets.merge(jobName(plan.uuid), { metadata: { finalizers: null } }), 200)
    expect(await removeUnfinished(api, before ?? {})).toBe(true)

    await backend.create({ ...plan, request: under.request('test "$A" = 2', { env: { A: '2' } }) })
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  it.concurrent('what Kubernetes refuses is named as in the request, and nothing is left', async () => {
    const { api, backend } = under
    const cases = [
      { fields: { labels: { team: 'not a label!' } }, field: 'labels' },
      {
        fields: { tolerations: [{ operator: 'Exists', value: 'x' } as const] },
        field: 'tolerations[0].operator',
      },
      { fields: { env: { ['A'.repeat(300)]: '' } }, field: `env.${'A'.repeat(300)}` },
      { fields: { job_env: { A: 'x'.repeat(1_100_000) } }, field: 'env' },
      { fields: { args: ['x'.repeat(300_000)] }, field: 'request' },
      { fields: { service_account: 'Not_A_Name' }, field: 'service_account' },
      { fields: { cpu: 'much' }, field: 'request' },
    ]
    for (const { fields, field } of cases) {
      const plan = planFor(under.request('exit 0', fields))
      const refusal = await backend.create(plan).catch((error: unknown) => error)
      expect(refusal).toBeInstanceOf(Problem)
      expect(refusal).toMatchObject({ code: 'invalid-request' })
      expect((refusal as Problem).errors.map((error) => error.field)).toContain(field)
      await expectNothingOf(api, plan.uuid)
    }
  })

  it.concurrent('a key is refused while its job is being deleted', async () => {
    const { backend } = under
    const plan = planFor(under.request('sleep 60'))
    await backend.create(plan)
    await backend.stop(plan.uuid, stopAs('deleted'))
    await expect(backend.create(plan)).rejects.toMatchObject({
      code: 'deletion-under-way',
      retryAfterSeconds: expect.any(Number),
    })
    await until(backend, plan.uuid, (job) => job.observation.attempt?.ended !== false)
    await forget(backend, plan.uuid)
  })

  it.concurrent('a stop that died after its decision is carried out by whoever holds the Lease', async () => {
    const { api, backend } = under
    const plan = planFor(under.request('trap "" TERM; while :; do sleep 1; done', { retries: 2 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const stop = stopAs('canceled')
    const marks = { [annotations.stop]: JSON.stringify(stop) }
    await api.jobs.merge(jobName(plan.uuid), { metadata: { annotations: marks }, spec: { backoffLimit: 0 } })
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.attempt?.ended === true)
    expect(observation).toMatchObject({ stop, deletedAt: expect.any(Number), attempt: { number: 1 } })
    await forget(backend, plan.uuid)
  })

  it.concurrent("somebody's deletion of the Job ends its pod with the short grace and waits for the archive", async () => {
    const { api, backend } = under
    const plan = planFor(under.request('trap "" TERM; while :; do sleep 1; done'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    await api.jobs.remove(jobName(plan.uuid), { propagationPolicy: 'Background' })
    const began = Date.now()
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.attempt?.ended === true)
    expect(Date.now() - began).toBeLessThan(15_000)
    expect(observation.deletedAt).toBeDefined()
    expect(observation.stop).toBeUndefined()
    expect(observation.attempt?.interrupted).toBeUndefined()
    await forget(backend, plan.uuid)
    await expectNothingOf(api, plan.uuid)
  })

  it.concurrent('a pod that somebody deletes ends the job', async () => {
    const { api, backend } = under
    const plan = planFor(under.request('sleep 60'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const pod = await podOf(api, plan.uuid)
    await api.pods.remove(pod, { gracePeriodSeconds: 2 })
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.interrupted).toMatchObject({ reason: 'PodDeleted' })
    expect(Math.abs((observation.attempt?.interrupted?.at ?? 0) - Date.now())).toBeLessThan(20_000)
    await forget(backend, plan.uuid)
  })

  it.concurrent('an eviction shows though its worker answers it with 0, and starts no attempt', async () => {
    const { api, backend } = under
    const script = 'trap "exit 0" TERM; while :; do sleep 0.2; done'
    const plan = planFor(under.request(script, { retries: 2 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const name = await podOf(api, plan.uuid)
    await api.client.call({
      method: 'POST',
      path: `${api.pods.path}/${name}/eviction`,
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
    })
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt).toMatchObject({ number: 1, interrupted: { reason: 'Evicted' } })
    expect(observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  // The kubelet measures volumes every one to two minutes, and a new pod's first after another one.
  it.concurrent('a worker that fills its results beyond their limit says so', {
    timeout: 260_000,
  }, async () => {
    const { backend } = under
    const script = 'dd if=/dev/zero of=/output/big bs=1M count=30; sleep 300'
    const plan = planFor(under.request(script, { result_storage: '5Mi' }))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded, 240_000)
    expect(observation.attempt?.interrupted).toMatchObject({ reason: 'StorageFull' })
    await forget(backend, plan.uuid)
  })

  it.concurrent('a job that somebody suspends is shown so and ends when it is stopped', async () => {
    const { api, backend } = under
    const plan = planFor(under.request('sleep 300', { upload_timeout_seconds: 5 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    await api.jobs.merge(jobName(plan.uuid), { spec: { suspend: true } })
    const suspended = await until(backend, plan.uuid, (job) => job.observation.suspended)
    expect(suspended.observation.ended).toBeUndefined()
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.attempt === undefined)
    expect(observation.ended).toBeUndefined()
    await backend.stop(plan.uuid, stopAs('canceled'))
    await forget(backend, plan.uuid)
    await expectNothingOf(api, plan.uuid)
  })
})

/** A client whose process is killed after so many writes. */
function dyingClient(client: Client, writes: number): Client {
  let written = 0
  return {
    ...client,
    async call(call) {
      if (call.method !== 'GET' && ++written > writes) throw new Error('killed')
      return await client.call(call)
    },
  }
}

async function podOf(api: Api, uuid: string): Promise<string> {
  const { items } = await api.pods.list({ labelSelector: `${jobLabel}=${uuid}` })
  return items[0]?.metadata?.name ?? ''
}

async function expectNothingOf(api: Api, uuid: string): Promise<void> {
  const query = { labelSelector: `${jobLabel}=${uuid}` }
  await eventually(
    async () => {
      for (const resource of [api.jobs, api.pods, api.secrets, api.configMaps]) {
        expect(await resource.listMetadata(query)).toEqual([])
      }
    },
    { within: 30_000, every: 500 },
  )
}
