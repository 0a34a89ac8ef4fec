import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { JobCache } from '../../src/kubernetes/cache.ts'
import { controllerLabels, trackingFinalizer } from '../../src/kubernetes/names.ts'
import type { Pod } from '../../src/kubernetes/objects.ts'
import { PodCheck } from '../../src/kubernetes/pod-check.ts'
import { createLog } from '../../src/log.ts'
import { eventually } from '../support/eventually.ts'
import { answeringApi } from './answering-api.ts'
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
  const api = await answeringApi(({ searchParams }) => {
    asked.push(searchParams.get('labelSelector'))
    return { metadata: { resourceVersion: '1' }, items: cluster.pods }
  })
  const cache = new JobCache()
  const check = new PodCheck({ api, cache, log: createLog('test', 'silent') })
  check.start()
  onTestFinished(() => check.close())
  return { cache, asked }
}
