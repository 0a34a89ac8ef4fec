import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { expect, it, onTestFinished } from 'vitest'
import { createApi } from '../../src/kubernetes/api.ts'
import { JobCache } from '../../src/kubernetes/cache.ts'
import { createClient } from '../../src/kubernetes/client.ts'
import { controllerLabels, trackingFinalizer } from '../../src/kubernetes/names.ts'
import type { Pod } from '../../src/kubernetes/objects.ts'
import { PodCheck } from '../../src/kubernetes/pod-check.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../support/eventually.ts'
import { job, pod, uuid } from './objects.ts'

it('asks every second for a pod whose label was taken away, until it is gone', async () => {
  const cluster = { pods: [pod({ metadata: { finalizers: [trackingFinalizer], labels: {} } })] }
  const { cache, asked } = await startCheck(cluster)
  cache.putJob(job())
  cache.losePod(pod({ metadata: { finalizers: [trackingFinalizer] } }))
  await sleep(2500)
  const hasEnded = () => cache.get(uuid)?.observation.attempt?.ended
  expect(hasEnded()).toBe(false)
  expect(asked.length).toBeGreaterThan(1)
  expect(asked.length).toBeLessThan(5)
  expect(new Set(asked)).toEqual(new Set([`${controllerLabels.uid}=job-uid`]))
  cluster.pods = []
  await eventually(() => expect(hasEnded()).toBe(true))
  const last = asked.length
  await sleep(1500)
  expect(asked).toHaveLength(last)
})

async function startCheck(cluster: { pods: Pod[] }) {
  const asked: (string | null)[] = []
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://server').searchParams.get('labelSelector'))
    response.end(JSON.stringify({ metadata: { resourceVersion: '1' }, items: cluster.pods }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'test', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'test', token: 'token' },
  )
  const client = createClient(config)
  const cache = new JobCache()
  const check = new PodCheck({ api: createApi(client, 'jobs'), cache, log: createLog('test', 'silent') })
  check.start()
  onTestFinished(async () => {
    await check.close()
    await client.close()
    server.closeAllConnections()
    server.close()
  })
  return { cache, asked }
}
