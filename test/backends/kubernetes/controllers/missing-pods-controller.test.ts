import { expect, it } from 'vitest'
import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { createMissingPodsController } from '../../../../src/backends/kubernetes/controllers/missing-pods-controller.ts'
import { controllerLabels, trackingFinalizer } from '../../../../src/backends/kubernetes/names.ts'
import { answeringApi } from '../answering-api.ts'
import { job, pod, uuid } from '../objects.ts'
import { startReconciler } from './reconciler.ts'

it('lists the pods of a job every second while the watch misses one of its pods', async () => {
  const cluster = { pods: [pod({ metadata: { finalizers: [trackingFinalizer], labels: {} } })] }
  const { cache, clock, asked } = await start(cluster)
  const hasEnded = () => cache.get(uuid)?.observation.attempt?.ended
  cache.putJob(job())
  cache.losePod(pod({ metadata: { finalizers: [trackingFinalizer] } }))
  for (const count of [1, 2, 3]) {
    await clock.until(() => expect(asked).toHaveLength(count), { step: 0 })
    await clock.advance(999)
    expect([asked.length, hasEnded()]).toEqual([count, false])
    await clock.advance(1)
  }
  expect(new Set(asked)).toEqual(new Set([`${controllerLabels.uid}=job-uid`]))

  cluster.pods = []
  await clock.until(() => expect(hasEnded()).toBe(true))
  const last = asked.length
  await clock.advance(10_000)
  expect(asked).toHaveLength(last)
})

async function start(cluster: { pods: Pod[] }) {
  const asked: (string | null)[] = []
  const api = await answeringApi(({ searchParams }) => {
    asked.push(searchParams.get('labelSelector'))
    return { metadata: { resourceVersion: '1' }, items: cluster.pods }
  })
  const parts = startReconciler()
  parts.reconciler.add(createMissingPodsController({ api, ...parts }))
  return { ...parts, asked }
}
