import { expect, it } from 'vitest'
import type { KubernetesJob } from '../../../../src/backends/kubernetes/api/objects.ts'
import type { CachedAgain } from '../../../../src/backends/kubernetes/cache/again-cache.ts'
import { annotations, finalizer } from '../../../../src/backends/kubernetes/names.ts'
import { nextAgain } from '../../../../src/backends/kubernetes/policies/further-job.ts'
import { repair } from '../../../../src/backends/kubernetes/policies/repair.ts'
import { at, job, ms, pod, seen, terminated, uuid } from '../objects.ts'
import { clusterRequest } from '../request.ts'

const disruption = (n: number) => ({
  ...{ attempt: `pod-${n}`, number: n, started: false, counted: true, at: n },
  ...{ reason: 'Interrupted', message: 'signal: killed' },
})
const broken = (n: number) =>
  seen(
    pod({
      metadata: { uid: `pod-${n}`, creationTimestamp: at(n) },
      worker: terminated(128, 0, n + 1, {
        ...{ reason: 'StartError', startedAt: '1970-01-01T00:00:00Z', message: 'signal: killed' },
      }),
      status: { phase: 'Failed' },
    }),
  )
const failed = { type: 'Failed', status: 'True', lastTransitionTime: at(9), reason: 'BackoffLimitExceeded' }

function failedJob(
  count: number,
  marks = {},
  retries = 0,
  more: Parameters<typeof job>[0] = {},
): KubernetesJob {
  const recorded = JSON.stringify(Array.from({ length: count }, (_, index) => disruption(index + 1)))
  const request = JSON.stringify(clusterRequest('', { retries }))
  return job({
    status: { failed: count, conditions: [failed] },
    ...more,
    annotations: { [annotations.request]: request, [annotations.disruptions]: recorded, ...marks },
  })
}

const again = (number: number, more: Parameters<typeof job>[0] = {}): CachedAgain => ({
  number,
  unlabelled: false,
  job: job({ ...more, metadata: { finalizers: [finalizer], ...more.metadata } }),
})
const decided = (number: number) => ({ [annotations.again]: JSON.stringify({ number, retries: 0 }) })
const about = (one: KubernetesJob, agains: CachedAgain[] = [], pods = [broken(1)]) => ({
  ...{ uuid, job: one, pods, agains, unlabelled: false },
})

it('gives a Job that failed by a start failure of the machine a further one, with the retries left', () => {
  expect(nextAgain(about(failedJob(1)))).toEqual({ number: 1, retries: 0 })
  expect(nextAgain(about(failedJob(1, {}, 2)))).toEqual({ number: 1, retries: 2 })
  const again1 = failedJob(2, decided(1))
  expect(nextAgain(about(again1, [again(1)], [broken(1), broken(2)]))).toEqual({ number: 2, retries: 0 })
})

it('makes the Job that another process decided and did not make', () => {
  const undecided = failedJob(1, decided(1), 0, { status: { failed: 1 } })
  expect(nextAgain(about(undecided))).toEqual({ number: 1, retries: 0 })
  expect(nextAgain(about(undecided, [again(1)]))).toBeUndefined()
})

it.each([
  ['has not failed yet', failedJob(1, {}, 0, { status: { failed: 1 } }), [broken(1)]],
  ['was stopped', failedJob(1, { [annotations.stop]: '{"outcome":"canceled","at":1}' }), [broken(1)]],
  ['is being deleted', failedJob(1, {}, 0, { metadata: { deletionTimestamp: at(5) } }), [broken(1)]],
  ['is archived', failedJob(1, { [annotations.archived]: at(9) }), [broken(1)]],
  ['had three further attempts', failedJob(4), [1, 2, 3, 4].map(broken)],
  ['failed by itself', job({ status: { failed: 1, conditions: [failed] } }), []],
  [
    'failed for a deadline of another client',
    failedJob(1, {}, 0, { status: { failed: 1, conditions: [{ ...failed, reason: 'DeadlineExceeded' }] } }),
    [broken(1)],
  ],
])('makes none for a Job that %s', (_, one, pods) => {
  expect(nextAgain(about(one, [], pods))).toBeUndefined()
})

it('records the disruption before it makes the further Job', () => {
  const unrecorded = job({ status: { failed: 1, conditions: [failed] } })
  expect(repair(about(unrecorded), ms(100))).toEqual({ action: 'record-disruption' })
  expect(repair(about(failedJob(1)), ms(100))).toEqual({ action: 'run-again' })
})

it.each([
  [
    'of a deleted job that is not deleted itself',
    failedJob(1, decided(1), 0, { metadata: { deletionTimestamp: at(5) } }),
    again(1),
    'finish-stop',
  ],
  [
    'of an archived job that still holds its finalizer',
    failedJob(1, { ...decided(1), [annotations.archived]: at(9) }),
    again(1),
    'release-again',
  ],
  [
    'whose label a client took away',
    failedJob(1, decided(1)),
    { ...again(1), unlabelled: true },
    'restore-labels',
  ],
])('looks after a further Job %s', (_, one, other, action) => {
  expect(repair(about(one, [other]), ms(100))).toEqual({ action })
})
