import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { KubernetesJob, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { JobCache } from '../../../../src/backends/kubernetes/cache/job-cache.ts'
import {
  annotations,
  jobLabels,
  jobName,
  rescueName,
  trackingFinalizer,
} from '../../../../src/backends/kubernetes/names.ts'
import { at, job as clusterJob, pod, uuid } from '../objects.ts'

const uuids: Record<string, string> = {
  old: randomUUID(),
  new: randomUUID(),
  changed: randomUUID(),
  deleted: randomUUID(),
  never: randomUUID(),
}
const job = (name: string, resourceVersion: string): KubernetesJob => ({
  metadata: {
    name: jobName(uuids[name] ?? ''),
    uid: `uid of ${name}`,
    resourceVersion,
    labels: jobLabels(uuids[name] ?? ''),
    annotations: { [annotations.requestSha256]: '0' },
  },
})
const now = (resourceVersion: string) => ({ resourceVersion, wentBack: false })
const seen = (cache: JobCache) =>
  Object.entries(uuids).flatMap(([name, uuid]) => {
    const found = cache.cachedJob(uuid)
    return found === undefined ? [] : [`${name} ${found.job.metadata?.resourceVersion}`]
  })

it('keeps a job created during a list request, and forgets a job missing in a newer list', () => {
  const cache = new JobCache()
  cache.listJobs([job('old', '3')], now('5'))
  cache.putJob(job('new', '7'))
  cache.listJobs([], now('6'))
  expect(seen(cache)).toEqual(['new 7'])
  cache.putJob(job('new', '9'))
  expect(seen(cache)).toEqual(['new 9'])
})

it('accepts older objects once the cluster was restored from a backup', () => {
  const cache = new JobCache()
  cache.listJobs([job('changed', '3'), job('deleted', '4')], now('5'))
  cache.putJob(job('changed', '6'))
  cache.putJob(job('never', '7'))
  cache.removeJob(job('deleted', '8'))
  cache.listJobs([job('changed', '3'), job('deleted', '4')], { resourceVersion: '5', wentBack: true })
  expect(seen(cache)).toEqual(['changed 3', 'deleted 4'])
})

it('continues a list after a job whose listener throws, and reports that job', () => {
  const failures: unknown[] = []
  const cache = new JobCache((_, name) => failures.push(name))
  const notified: string[] = []
  cache.subscribe((uuid) => {
    if (uuid === uuids.old) throw new Error('this one can not be worked with')
  })
  cache.subscribe((uuid) => notified.push(uuid))
  cache.listJobs([job('old', '3'), job('new', '4')], now('5'))
  expect(seen(cache)).toEqual(['old 3', 'new 4'])
  expect(notified).toEqual([uuids.old, uuids.new])
  expect(failures).toEqual([uuids.old])
})

it('keeps a pod without its label as running until a query by the Job finds no such pod', () => {
  const cache = new JobCache()
  cache.putJob(clusterJob())
  const held = { finalizers: [trackingFinalizer], labels: {} }
  const found = () =>
    cache.cachedJob(uuid)?.pods.map(({ goneAt, unlabelled: lost }) => [goneAt !== undefined, lost === true])
  cache.putPod(pod())
  cache.losePod(pod({ metadata: { finalizers: [trackingFinalizer] } }))
  expect(found()).toEqual([[false, true]])
  cache.knowPods(uuid, 'key', [pod({ metadata: held })])
  expect(found()).toEqual([[false, true]])
  cache.putPod(pod())
  expect(found()).toEqual([[false, false]])
  cache.listPods([], now('9'))
  expect(found()).toEqual([[true, false]])
})

it.each([
  ['in deletion', { metadata: { finalizers: [trackingFinalizer], deletionTimestamp: at(5) } }],
  ['without finalizers', {}],
  ['in a final phase', { metadata: { finalizers: [trackingFinalizer] }, status: { phase: 'Failed' } }],
])('treats a pod %s as gone once the watch reports its deletion', (_, last) => {
  const cache = new JobCache()
  cache.putJob(clusterJob())
  cache.losePod(pod(last))
  expect(cache.cachedJob(uuid)?.pods[0]?.goneAt).toBeDefined()
})

it('treats a pod missing in the list as gone once a query by the Job does not find it', () => {
  const cache = new JobCache()
  cache.putJob(clusterJob())
  cache.putPod(pod({ metadata: { finalizers: [trackingFinalizer] } }))
  cache.listPods([], now('9'))
  expect(cache.get(uuid)?.observation.attempt?.ended).toBe(false)
  cache.knowPods(uuid, 'key', [])
  expect(cache.get(uuid)?.observation.attempt?.ended).toBe(true)
})

const rescuePod = (resourceVersion: string, phase = 'Running'): Pod => ({
  metadata: {
    name: 'rescue-pod',
    uid: 'rescue-pod',
    resourceVersion,
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: rescueName(uuids.old ?? ''), uid: 'r' }],
  },
  status: { phase },
})
const living = (cache: JobCache) =>
  [...cache.livePods()].map(({ metadata, status }) => `${metadata?.resourceVersion} ${status?.phase}`)

it("counts a rescue's pod as live, and ignores older states of it", () => {
  const cache = new JobCache()
  cache.putPod(rescuePod('5', 'Failed'))
  cache.putPod(rescuePod('4'))
  expect(living(cache)).toEqual(['5 Failed'])
})

it.each<[string, (cache: JobCache) => void]>([
  ['removed', (cache) => cache.removePod(rescuePod('6'))],
  ['removed unseen', (cache) => cache.listPods([], now('7'))],
])("ignores a late state of a rescue's pod that was %s", (_, go) => {
  const cache = new JobCache()
  cache.putPod(rescuePod('5'))
  go(cache)
  cache.putPod(rescuePod('5'))
  expect(living(cache)).toEqual([])
})

it('accepts older states of a rescue once the cluster was restored from a backup', () => {
  const cache = new JobCache()
  const rescue = (resourceVersion: string): KubernetesJob => ({
    metadata: {
      name: rescueName(uuids.old ?? ''),
      uid: 'r',
      resourceVersion,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'job', uid: 'uid of old' }],
    },
  })
  cache.listJobs([job('old', '3'), rescue('9')], now('9'))
  cache.putPod(rescuePod('8', 'Failed'))
  const back = { resourceVersion: '5', wentBack: true }
  cache.listPods([rescuePod('4')], back)
  expect(living(cache)).toEqual(['4 Running'])
  cache.listJobs([job('old', '3'), rescue('4')], back)
  expect(cache.cachedJob(uuids.old ?? '')?.rescue?.job?.metadata?.resourceVersion).toBe('4')
})
