import { describe, expect, it } from 'vitest'
import { dutyOf } from '../../src/kubernetes/caretaker.ts'
import { disruptionsOf, unrecordedDisruptions } from '../../src/kubernetes/disruptions.ts'
import { annotations } from '../../src/kubernetes/names.ts'
import type { Pod } from '../../src/kubernetes/objects.ts'
import { observe } from '../../src/kubernetes/observe.ts'
import { at, job, ms, pod, running, seen, terminated, uuid } from './objects.ts'

const condition = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'evicting',
  lastTransitionTime: at(7),
}

/** The n-th pod, evicted. */
function evicted(n: number, status: Pod['status'] = {}, exitCode = 143): Pod {
  return pod({
    metadata: { name: `pod-${n}`, uid: `pod-${n}`, creationTimestamp: at(20 * n) },
    worker: terminated(exitCode, 20 * n + 2, 20 * n + 7),
    status: { phase: 'Failed', conditions: [condition], ...status },
  })
}

const fresh = pod({ metadata: { uid: 'pod-9', creationTimestamp: at(900) }, worker: running(910) })

const remembered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    attempt: `pod-${index + 1}`,
    number: index + 1,
    started: true,
    reason: 'Evicted',
    message: 'drained',
    at: ms(0),
  }))

const withRecord = (count: number) =>
  job({ marks: { [annotations.disruptions]: JSON.stringify(remembered(count)) } })

describe('disruptions', () => {
  it('are pods that the platform ends', () => {
    expect(disruptionsOf(job(), [seen(evicted(1))])).toEqual([
      {
        attempt: 'pod-1',
        number: 1,
        started: true,
        reason: 'Evicted',
        message: 'EvictionByEvictionAPI: evicting',
        at: ms(7),
      },
    ])
  })

  it('say of a worker that never started, for which the kubelet made up an end, that it did not', () => {
    const never = terminated(137, 2, 7, { startedAt: null, finishedAt: null })
    const { containerStatuses } = pod({ worker: never }).status ?? {}
    const gone = evicted(1, containerStatuses && { containerStatuses })
    expect(disruptionsOf(job(), [seen(gone)])).toMatchObject([{ attempt: 'pod-1', started: false }])
  })

  it('are none where the eviction was refused, or where the pod had done its work', () => {
    const refused = pod({ worker: running(4), status: { phase: 'Running', conditions: [condition] } })
    expect(disruptionsOf(job(), [seen(refused)])).toEqual([])
    expect(disruptionsOf(withRecord(1), [seen(evicted(1, { phase: 'Succeeded' }, 0))])).toEqual([])
  })

  it('are remembered by the Job when their pods are gone, and numbered on', () => {
    const pods = [seen(evicted(3))]
    expect(disruptionsOf(withRecord(2), pods).map(({ attempt, number }) => [attempt, number])).toEqual([
      ['pod-1', 1],
      ['pod-2', 2],
      ['pod-3', 3],
    ])
    expect(unrecordedDisruptions(withRecord(2), pods).map(({ number }) => number)).toEqual([3])
    expect(observe({ job: withRecord(2), pods: [seen(fresh)] }).attempt).toMatchObject({ number: 3 })
  })

  it("don't count among the failures that Kubernetes counts", () => {
    const failed = job({ spec: { backoffLimit: 1 }, status: { failed: 1 } })
    const observed = observe({ job: failed, pods: [seen(evicted(2)), seen(fresh)] })
    expect(observed).toMatchObject({ failedAttempts: 1, attempt: { number: 3 } })
    expect(observed.ended).toBeUndefined()
  })

  it('are followed by another attempt, but for a worker that exited 0 and was not evicted by its kubelet', () => {
    expect(observe({ job: job(), pods: [seen(evicted(1))] }).ended).toBeUndefined()
    expect(observe({ job: job(), pods: [seen(evicted(1, {}, 0))] }).ended).toBeUndefined()
    expect(observe({ job: job(), pods: [seen(evicted(1, { phase: 'Succeeded' }, 0))] }).ended).toBeDefined()
  })
})

describe('the attempt shown', () => {
  it('is the one whose end decided the job, not what Kubernetes started after it', () => {
    const full = evicted(1, {
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "results" exceeds the limit "1Mi". ',
    })
    const pods = [seen(full), seen(fresh)]
    expect(observe({ job: job(), pods })).toMatchObject({ attempt: { uid: 'pod-1' }, lingering: true })
    const stop = { outcome: 'failed', at: ms(30), cause: { reason: 'StorageFull', message: 'full' } }
    const marks = { [annotations.stop]: JSON.stringify({ ...stop, attempt: 'pod-1' }) }
    expect(observe({ job: job({ marks }), pods }).attempt?.uid).toBe('pod-1')
    expect(observe({ job: job({ marks }), pods: [seen(full)] }).lingering).toBeUndefined()
    expect(observe({ job: job({ marks }), pods: [seen(fresh)] }).attempt).toBeUndefined()
  })

  it('is the newest where a stop names none', () => {
    const stop = { outcome: 'deleted', at: ms(30), cause: { reason: 'Canceled', message: '' } }
    const marks = {
      [annotations.stop]: JSON.stringify(stop),
      [annotations.disruptions]: JSON.stringify(remembered(4)),
    }
    expect(observe({ job: job({ marks }), pods: [seen(fresh)] }).attempt?.uid).toBe('pod-9')
  })
})

it.each([
  ['a disruption that is not written down', job(), [seen(evicted(1))], 'record-disruption'],
  ['one that is', withRecord(1), [seen(evicted(1))], undefined],
  [
    'an attempt begun after the end',
    job({ marks: { [annotations.archived]: at(100) } }),
    [seen(fresh)],
    'end-repeat',
  ],
  [
    'a job that ended as usual',
    job({ marks: { [annotations.archived]: at(1000) } }),
    [seen(fresh)],
    undefined,
  ],
])('the caretaker sees to %s', (_, one, pods, duty) => {
  expect(dutyOf({ uuid, job: one, pods, lost: false }, ms(1000))).toBe(duty)
})
