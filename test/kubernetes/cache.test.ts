import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { JobCache } from '../../src/kubernetes/cache.ts'
import { annotations, jobLabels, jobName, rescueName, trackingFinalizer } from '../../src/kubernetes/names.ts'
import type { Job, Pod } from '../../src/kubernetes/objects.ts'
import { at, job as clusterJob, pod, uuid } from './objects.ts'

const uuids: Record<string, string> = {
  old: randomUUID(),
  new: randomUUID(),
  changed: randomUUID(),
  deleted: randomUUID(),
  never: randomUUID(),
}
const job = (name: string, resourceVersion: string): Job => ({
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
    const found = cache.seen(uuid)
    return found === undefined ? [] : [`${name} ${found.job.metadata?.resourceVersion}`]
  })

it('keeps a job that was made while the list was under way, and forgets what the list would have', () => {
  const cache = new JobCache()
  cache.listJobs([job('old', '3')], now('5'))
  cache.putJob(job('new', '7'))
  cache.listJobs([], now('6'))
  expect(seen(cache)).toEqual(['new 7'])
  cache.putJob(job('new', '9'))
  expect(seen(cache)).toEqual(['new 9'])
})

it('takes what the cluster has, however old, once that was set back in time', () => {
  const cache = new JobCache()
  cache.listJobs([job('changed', '3'), job('deleted', '4')], now('5'))
  cache.putJob(job('changed', '6'))
  cache.putJob(job('never', '7'))
  cache.removeJob(job('deleted', '8'))
  cache.listJobs([job('changed', '3'), job('deleted', '4')], { resourceVersion: '5', wentBack: true })
  expect(seen(cache)).toEqual(['changed 3', 'deleted 4'])
})

it('lists what comes behind a job that cannot be worked with, and tells of that one', () => {
  const failures: unknown[] = []
  const cache = new JobCache((_, name) => failures.push(name))
  const told: string[] = []
  cache.subscribe((uuid) => {
    if (uuid === uuids.old) throw new Error('this one can not be worked with')
  })
  cache.subscribe((uuid) => told.push(uuid))
  cache.listJobs([job('old', '3'), job('new', '4')], now('5'))
  expect(seen(cache)).toEqual(['old 3', 'new 4'])
  expect(told).toEqual([uuids.old, uuids.new])
  expect(failures).toEqual([uuids.old])
})

it('takes a running pod whose label was taken away for running until it is asked for and not there', () => {
  const cache = new JobCache()
  cache.putJob(clusterJob())
  const held = { finalizers: [trackingFinalizer], labels: {} }
  const found = () => cache.seen(uuid)?.pods.map(({ goneAt, lost }) => [goneAt !== undefined, lost === true])
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
  ['that is being deleted', { metadata: { finalizers: [trackingFinalizer], deletionTimestamp: at(5) } }],
  ['that nobody holds', {}],
  ['that has ended', { metadata: { finalizers: [trackingFinalizer] }, status: { phase: 'Failed' } }],
])('takes a pod %s for gone when the watch shows it no more', (_, last) => {
  const cache = new JobCache()
  cache.putJob(clusterJob())
  cache.losePod(pod(last))
  expect(cache.seen(uuid)?.pods[0]?.goneAt).toBeDefined()
})

it('takes a pod that was lost for gone once it is asked for and not there', () => {
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

it("counts a rescue's pod among those that live, and takes no older state of it", () => {
  const cache = new JobCache()
  cache.putPod(rescuePod('5', 'Failed'))
  cache.putPod(rescuePod('4'))
  expect(living(cache)).toEqual(['5 Failed'])
})

it.each<[string, (cache: JobCache) => void]>([
  ['removed', (cache) => cache.removePod(rescuePod('6'))],
  ['removed unseen', (cache) => cache.listPods([], now('7'))],
])("takes no late state of a rescue's pod that was %s", (_, go) => {
  const cache = new JobCache()
  cache.putPod(rescuePod('5'))
  go(cache)
  cache.putPod(rescuePod('5'))
  expect(living(cache)).toEqual([])
})

it('takes what the cluster has of a rescue, once that was set back in time', () => {
  const cache = new JobCache()
  const rescue = (resourceVersion: string): Job => ({
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
  expect(cache.seen(uuids.old ?? '')?.rescue?.job?.metadata?.resourceVersion).toBe('4')
})
