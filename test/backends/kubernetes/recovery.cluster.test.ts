import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, createApi } from '../../../src/backends/kubernetes/api/api.ts'
import type { Client } from '../../../src/backends/kubernetes/api/client.ts'
import { annotations, jobLabel, jobName } from '../../../src/backends/kubernetes/names.ts'
import { createJob } from '../../../src/backends/kubernetes/operations/creation.ts'
import { removeUnfinished } from '../../../src/backends/kubernetes/operations/removal.ts'
import { Problem } from '../../../src/util/errors.ts'
import { planFor, stopAs } from '../../job/backend-under-test.ts'
import { forget, hasEnded, until } from '../../job/live-jobs.ts'
import { eventually } from '../../support/time/eventually.ts'
import { type ClusterUnderTest, clusterUnderTest } from './setup.ts'

describe('on a cluster', () => {
  let under: ClusterUnderTest
  beforeAll(async () => {
    under = await clusterUnderTest()
    await eventually(() => expect(under.leadership.isLeader()).toBe(true), { within: 30_000 })
  })
  afterAll(async () => {
    await under.close()
  })

  it.concurrent.each([1, 2, 3])(
    'a creation whose process dies after %i writes is completed by its replay',
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

  it.concurrent('a creation that an earlier version began is completed by its replay', async () => {
    const { api, backend, settings } = under
    const plan = planFor(under.request('exit 0'))
    const earlier = { ...plan, requestSha256: 'e'.repeat(64) }
    const dying = createApi(dyingClient(api.client, 2), api.namespace)
    await expect(createJob(dying, settings, earlier)).rejects.toThrow('killed')
    expect(await backend.create({ ...plan, earlierSha256: earlier.requestSha256 })).toEqual({
      created: false,
      requestSha256: earlier.requestSha256,
    })
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  it.concurrent('removing an abandoned creation leaves no objects, and spares a creation completed meanwhile', async () => {
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

  it.concurrent("a reused uuid does not get the previous job's Secret", async () => {
    const { api, backend, settings } = under
    const plan = planFor(under.request('test "$A" = 2', { env: { A: '1' } }))
    await expect(
      createJob(createApi(dyingClient(api.client, 2), api.namespace), settings, plan),
    ).rejects.toThrow()
    const before = await api.jobs.get(jobName(plan.uuid))
    // The finalizer keeps the Secret for a while, as a slow garbage collector would.
    await api.secrets.merge(jobName(plan.uuid), { metadata: { finalizers: ['jobferry.dev/test'] } })
    setTimeout(() => void api.secrets.merge(jobName(plan.uuid), { metadata: { finalizers: null } }), 1500)
    expect(await removeUnfinished(api, before ?? {})).toBe(true)

    await backend.create({ ...plan, request: under.request('test "$A" = 2', { env: { A: '2' } }) })
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  it.concurrent("a refusal by Kubernetes names the request's field, and leaves no objects", async () => {
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

  it.concurrent('a creation is refused while the job with its uuid is being deleted', async () => {
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

  it.concurrent('a stop whose process died after the decision is carried out by the leader', async () => {
    const { api, backend } = under
    const plan = planFor(under.request('trap "" TERM; while :; do sleep 1; done', { retries: 2 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const stop = stopAs('canceled')
    const annotated = { [annotations.stop]: JSON.stringify(stop) }
    await api.jobs.merge(jobName(plan.uuid), {
      metadata: { annotations: annotated },
      spec: { backoffLimit: 0 },
    })
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.attempt?.ended === true)
    expect(observation).toMatchObject({ stop, deletedAt: expect.any(Number), attempt: { number: 1 } })
    await forget(backend, plan.uuid)
  })

  it.concurrent("another client's deletion of the Job ends its pod with the short grace and waits for the archive", async () => {
    const { api, backend } = under
    const plan = planFor(under.request('trap "" TERM; while :; do sleep 1; done'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    await api.jobs.remove(jobName(plan.uuid), { propagationPolicy: 'Background' })
    const began = Date.now()
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.attempt?.ended === true)
    expect(Date.now() - began).toBeLessThan(60_000)
    expect(observation.deletedAt).toBeDefined()
    expect(observation.stop).toBeUndefined()
    expect(observation.attempt?.interrupted).toBeUndefined()
    await forget(backend, plan.uuid)
    await expectNothingOf(api, plan.uuid)
  })

  it.concurrent("another client's deletion of the pod ends the job", async () => {
    const { api, backend } = under
    const plan = planFor(under.request('sleep 60'))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => job.observation.attempt?.worker.startedAt !== undefined)
    const pod = await podOf(api, plan.uuid)
    await api.pods.remove(pod, { gracePeriodSeconds: 2 })
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.attempt?.interrupted).toMatchObject({ reason: 'PodDeleted' })
    expect(Math.abs((observation.attempt?.interrupted?.at ?? 0) - Date.now())).toBeLessThan(60_000)
    await forget(backend, plan.uuid)
  })

  it.concurrent('an eviction is shown even if its worker exits 0, and no attempt follows', async () => {
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

  // The kubelet measures volumes every one to two minutes, and a new pod only in the round after.
  it.concurrent('a worker that exceeds result_storage is interrupted as StorageFull', {
    timeout: 800_000,
  }, async () => {
    const { backend } = under
    const script = 'dd if=/dev/zero of=/output/big bs=1M count=30; sleep 300'
    const plan = planFor(under.request(script, { result_storage: '5Mi' }))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, hasEnded, 240_000)
    expect(observation.attempt?.interrupted).toMatchObject({ reason: 'StorageFull' })
    await forget(backend, plan.uuid)
  })

  it.concurrent('a job suspended by another client is shown as suspended, and ends when stopped', async () => {
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

/** A client that fails after `writes` writes, as if its process had been killed. */
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
