import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JobBackend } from '../../../src/job/backend.ts'
import { planFor, stopAs } from '../../job/backend-under-test.ts'
import { forget, hasEnded, until } from '../../job/live-jobs.ts'
import { type FaultProxy, startFaultProxy } from '../../support/store/fault-proxy.ts'
import { eventually } from '../../support/time/eventually.ts'
import { type ClusterUnderTest, clusterUnderTest } from './setup.ts'

let under: ClusterUnderTest
let proxy: FaultProxy
let folder: string
/** A backend that reaches the API server only through the proxy. */
let cut: JobBackend

beforeAll(async () => {
  under = await clusterUnderTest()
  const config = new KubeConfig()
  config.loadFromFile(under.settings.kubeconfig ?? '')
  proxy = await startFaultProxy(config.getCurrentCluster()?.server ?? '')
  folder = await mkdtemp(join(tmpdir(), 'jobferry-outage-'))
  const kubeconfig = join(folder, 'kubeconfig')
  const server = proxy.url.replace('http:', 'https:')
  const cluster = { name: 'cut', cluster: { server, 'insecure-skip-tls-verify': true } }
  const user = { name: 'cut', user: { token: config.getCurrentUser()?.token } }
  const context = { name: 'cut', context: { cluster: 'cut', user: 'cut' } }
  const parts = { clusters: [cluster], users: [user], contexts: [context], 'current-context': 'cut' }
  await writeFile(kubeconfig, JSON.stringify(parts), { mode: 0o600 })
  cut = under.another({ kubeconfig }).backend
  await cut.start()
})

afterAll(async () => {
  await cut.close()
  await proxy.close()
  await under.close()
  await rm(folder, { recursive: true, force: true })
})

it.each(['refuse', 'reset'] as const)(
  'catches up after an outage of the API server, whose connections %s',
  async (kind) => {
    const plan = planFor(under.request('exit 0'))
    await proxy.setFault({ kind })
    await eventually(() => expect(cut.missing()).not.toEqual([]), { within: 20_000 })
    await expect(cut.create(planFor(under.request('exit 0')))).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: expect.any(Number),
    })
    await expect(cut.stop(plan.uuid, stopAs('canceled'))).rejects.toMatchObject({ code: 'unavailable' })
    await under.backend.create(plan)
    await until(under.backend, plan.uuid, hasEnded)
    expect(cut.get(plan.uuid)).toBeUndefined()

    await proxy.setFault({ kind: 'pass' })
    const { observation } = await until(cut, plan.uuid, hasEnded)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    await eventually(() => expect(cut.missing()).toEqual([]), { within: 20_000 })
    await forget(under.backend, plan.uuid)
    await eventually(() => expect(cut.get(plan.uuid)).toBeUndefined())
  },
)

it('creates one job despite a lost answer to its creation', async () => {
  const plan = planFor(under.request('exit 0'))
  await proxy.setFault({ kind: 'cut', direction: 'answer', afterBytes: 0, times: 20 })
  await cut.create(plan).catch(() => undefined)
  await proxy.setFault({ kind: 'pass' })
  const answer = await eventually(() => cut.create(plan), { within: 30_000 })
  expect(answer.requestSha256).toBe(plan.requestSha256)
  const { observation } = await until(cut, plan.uuid, hasEnded)
  expect(observation.attempt).toMatchObject({ number: 1, worker: { exitCode: 0 } })
  await forget(cut, plan.uuid)
})
