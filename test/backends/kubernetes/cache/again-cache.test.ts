import { expect, it } from 'vitest'
import { JobCache } from '../../../../src/backends/kubernetes/cache/job-cache.ts'
import { againName, annotations, finalizer, managedBy } from '../../../../src/backends/kubernetes/names.ts'
import { at, job, pod, running, terminated, uuid } from '../objects.ts'

const failed = { type: 'Failed', status: 'True', lastTransitionTime: at(9), reason: 'BackoffLimitExceeded' }
const first = job({
  status: { failed: 1, conditions: [failed] },
  annotations: { [annotations.again]: JSON.stringify({ number: 1, retries: 0 }) },
  metadata: { finalizers: [finalizer] },
})
const name = againName(uuid, 1)
const again = (more: Parameters<typeof job>[0] = {}) =>
  job({
    ...more,
    metadata: { name, uid: 'again-uid', finalizers: [finalizer], ...more.metadata },
    annotations: { [annotations.firstJob]: 'job-uid', ...more.annotations },
  })
const broken = pod({
  worker: terminated(128, 0, 5, {
    ...{ reason: 'StartError', startedAt: '1970-01-01T00:00:00Z', message: 'signal: killed' },
  }),
  status: { phase: 'Failed' },
})
const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid: 'again-uid' }
const second = pod({
  metadata: { name: 'pod-2', uid: 'pod-2', creationTimestamp: at(20), ownerReferences: [owner] },
  worker: running(25),
  status: { phase: 'Running' },
})

function cacheOf(...jobs: ReturnType<typeof job>[]): JobCache {
  const cache = new JobCache()
  cache.listJobs([first, ...jobs], { resourceVersion: '10', wentBack: false })
  cache.listPods([broken], { resourceVersion: '10', wentBack: false })
  return cache
}

it('shows the pods of both Jobs as attempts of one job, before the further Job is made and after', () => {
  const cache = cacheOf()
  expect(cache.get(uuid)?.observation.ended).toBeUndefined()
  cache.putJob(again())
  cache.putPod(second)
  const { observation } = cache.get(uuid) ?? {}
  expect(observation).toMatchObject({ failedAttempts: 0, attempt: { uid: 'pod-2', number: 2 } })
  expect(observation?.ended).toBeUndefined()
  expect([...cache.list()]).toHaveLength(1)
})

it('takes the end of the further Job for the job’s', () => {
  const cache = cacheOf(again({ status: { failed: 1, conditions: [failed] } }))
  const ended = pod({
    ...{ metadata: second.metadata, worker: terminated(3, 25, 30), status: { phase: 'Failed' } },
  })
  cache.putPod(ended)
  expect(cache.get(uuid)?.observation).toMatchObject({ failedAttempts: 1, ended: { at: Date.parse(at(9)) } })
})

it('takes the deletion of the further Job by another client for the job’s', () => {
  const cache = cacheOf(again({ metadata: { deletionTimestamp: at(40) } }))
  expect(cache.get(uuid)?.observation.deletedAt).toBe(Date.parse(at(40)))
})

it('holds nothing of a further Job of a deleted job of the same uuid', () => {
  const cache = cacheOf(again({ annotations: { [annotations.firstJob]: 'another' } }))
  cache.putPod(second)
  expect(cache.cachedJob(uuid)).toMatchObject({ agains: [], pods: [{ pod: { metadata: { uid: 'pod-1' } } }] })
})

it('keeps a further Job whose label a client took away, and drops one that is gone', () => {
  const cache = cacheOf(again())
  cache.loseJob(again({ metadata: { labels: { [managedBy.label]: 'x' } } }))
  expect(cache.cachedJob(uuid)?.agains).toMatchObject([{ number: 1, unlabelled: true }])
  cache.putJob(again({ metadata: { deletionTimestamp: at(40), resourceVersion: '20', finalizers: [] } }))
  cache.loseJob(again())
  expect(cache.cachedJob(uuid)?.agains).toEqual([])
})

it('observes a list that lacks the further Job as its loss', () => {
  const cache = cacheOf(again())
  cache.listJobs([first], { resourceVersion: '30', wentBack: false })
  expect(cache.cachedJob(uuid)?.agains).toMatchObject([{ unlabelled: true }])
})
