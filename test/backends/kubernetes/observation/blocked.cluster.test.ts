import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobRequest } from '../../../../src/job/request/request.ts'
import { planFor, stopAs } from '../../../job/backend-under-test.ts'
import { forget, hasEnded, until } from '../../../job/live-jobs.ts'
import { type ClusterUnderTest, clusterUnderTest, storeInBucket } from '../setup.ts'

describe('the reason that blocks a start', () => {
  let under: ClusterUnderTest
  beforeAll(async () => {
    under = await clusterUnderTest()
  })
  afterAll(async () => {
    await under.close()
  })

  const cases: { what: string; fields: Partial<JobRequest>; reason: string; message: RegExp }[] = [
    {
      what: "an image that doesn't exist",
      fields: { image: 'localhost:1/nothing:here' },
      reason: 'ErrImagePull|ImagePullBackOff',
      message: /worker's image localhost:1\/nothing:here/,
    },
    {
      what: 'a missing environment',
      fields: { config_map_ref: ['env-of-nobody'] },
      reason: 'CreateContainerConfigError',
      message: /worker can't be started: .*"env-of-nobody" not found/,
    },
    {
      what: 'a missing volume claim',
      fields: { volumes: [{ claim: 'no-claim', mount_path: '/data', read_only: false }] },
      reason: 'FailedMount|Unschedulable',
      message: /"no-claim" not found/,
    },
    {
      what: 'a node selector without a node',
      fields: { node_selector: { disk: 'golden' } },
      reason: 'Unschedulable',
      message: /no node takes the pod: .*node/,
    },
    {
      what: 'a missing service account',
      fields: { service_account: 'nobody' },
      reason: 'CreateContainerConfigError',
      message: /serviceaccount "nobody" not found/,
    },
    {
      what: 'an invalid image name',
      fields: { image: 'Not/An:Image:Name' },
      reason: 'InvalidImageName',
      message: /Not\/An:Image:Name/,
    },
  ]

  it.concurrent.each(cases)('is shown: $what', async ({ fields, reason, message }) => {
    const { backend } = under
    const plan = planFor(under.request('exit 0', fields))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.blocked !== undefined)
    expect(observation.blocked?.reason).toMatch(new RegExp(`^(${reason})$`))
    expect(observation.blocked?.message).toMatch(message)
    await backend.stop(plan.uuid, stopAs('canceled'))
    await until(backend, plan.uuid, (job) => job.observation.attempt?.ended !== false)
    await forget(backend, plan.uuid)
  })

  it('is QuotaExceeded until the pod exists, and absent afterwards', async () => {
    const { backend, api } = under
    const quota = { metadata: { name: 'none' }, spec: { hard: { 'requests.cpu': '100m' } } }
    const path = `/api/v1/namespaces/${api.namespace}/resourcequotas`
    await api.client.call({ method: 'POST', path, body: quota })
    const plan = planFor(under.request('exit 0', { cpu: '200m' }))
    await backend.create(plan)
    const blocked = await until(backend, plan.uuid, (job) => job.observation.blocked !== undefined)
    expect(blocked.observation.blocked).toMatchObject({ reason: 'QuotaExceeded' })
    expect(blocked.observation.attempt).toBeUndefined()

    await api.client.call({ method: 'DELETE', path: `${path}/none` })
    const ended = await until(backend, plan.uuid, hasEnded, 90_000)
    expect(ended.observation.blocked).toBeUndefined()
    expect(ended.observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  it('is StoreUnavailable, from the uploader, if the store refuses its writes', async () => {
    const store = storeInBucket('no-such-bucket-anywhere', 'nobody', 'nothing1')
    const { backend } = under.another({ store })
    await backend.start()
    const plan = planFor(under.request('exit 0'))
    await backend.create(plan)
    const { observation } = await until(backend, plan.uuid, (job) => job.observation.blocked !== undefined)
    expect(observation.blocked?.reason).toBe('StoreUnavailable')
    expect(observation.attempt).toMatchObject({ uploader: { ready: false }, ended: false })
    await backend.stop(plan.uuid, stopAs('canceled'))
    await until(backend, plan.uuid, (job) => job.observation.attempt?.ended === true)
    await forget(backend, plan.uuid)
    await backend.close()
  })
})
