import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import {
  attemptNumber,
  disruptionsOf,
  earlierAttempts,
  unrecordedDisruptions,
} from '../../../../src/backends/kubernetes/observation/disruptions.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { at, job, ms, pod, running, seen, terminated } from '../objects.ts'

const condition = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'evicting',
  lastTransitionTime: at(7),
}

/** Pod number `n` of the job, evicted. */
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
  job({ annotations: { [annotations.disruptions]: JSON.stringify(remembered(count)) } })

describe('disruptions', () => {
  it('are pods ended by the platform', () => {
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

  it('have `started: false` if the kubelet made up the end of a worker that never started', () => {
    const never = terminated(137, 2, 7, { startedAt: null, finishedAt: null })
    const { containerStatuses } = pod({ worker: never }).status ?? {}
    const gone = evicted(1, containerStatuses && { containerStatuses })
    expect(disruptionsOf(job(), [seen(gone)])).toMatchObject([{ attempt: 'pod-1', started: false }])
  })

  it('exclude a refused eviction and a pod that succeeded', () => {
    const refused = pod({ worker: running(4), status: { phase: 'Running', conditions: [condition] } })
    expect(disruptionsOf(job(), [seen(refused)])).toEqual([])
    expect(disruptionsOf(withRecord(1), [seen(evicted(1, { phase: 'Succeeded' }, 0))])).toEqual([])
  })

  it("are kept in the Job's annotation after their pods are gone, and numbered on", () => {
    const pods = [seen(evicted(3))]
    expect(disruptionsOf(withRecord(2), pods).map(({ attempt, number }) => [attempt, number])).toEqual([
      ['pod-1', 1],
      ['pod-2', 2],
      ['pod-3', 3],
    ])
    expect(unrecordedDisruptions(withRecord(2), pods).map(({ number }) => number)).toEqual([3])
    expect(observe({ job: withRecord(2), pods: [seen(fresh)] }).attempt).toMatchObject({ number: 3 })
  })

  it('are not counted as failed attempts', () => {
    const failed = job({ spec: { backoffLimit: 1 }, status: { failed: 1 } })
    const observed = observe({ job: failed, pods: [seen(evicted(2)), seen(fresh)] })
    expect(observed).toMatchObject({ failedAttempts: 1, attempt: { number: 3 } })
    expect(observed.ended).toBeUndefined()
  })

  it('are followed by another attempt, unless the pod succeeded: exit 0 without an eviction by the kubelet', () => {
    expect(observe({ job: job(), pods: [seen(evicted(1))] }).ended).toBeUndefined()
    expect(observe({ job: job(), pods: [seen(evicted(1, {}, 0))] }).ended).toBeUndefined()
    expect(observe({ job: job(), pods: [seen(evicted(1, { phase: 'Succeeded' }, 0))] }).ended).toBeDefined()
  })
})

describe('the numbers of attempts', () => {
  /** A pod of second 1. */
  const early = (name: string, worker: Partial<ContainerStatus>, phase = 'Failed') =>
    seen(
      pod({
        metadata: { name, uid: name, creationTimestamp: at(1) },
        worker,
        status: { phase },
      }),
    )

  it('differ for pods of one second: the one that ended before the other began is the earlier', () => {
    const first = early('pod-z', terminated(1, 1, 1))
    for (const second of [early('pod-a', running(2), 'Running'), early('pod-a', terminated(0, 2, 5))]) {
      for (const pods of [
        [first, second],
        [second, first],
      ]) {
        const failed = job({ status: { failed: 1 }, spec: { backoffLimit: 3 } })
        expect(pods.map((one) => attemptNumber(failed, pods, one)).sort()).toEqual([1, 2])
        expect(observe({ job: failed, pods }).attempt).toMatchObject({ uid: 'pod-a', number: 2 })
        expect(earlierAttempts(failed, pods)).toEqual([{ number: 1, uid: 'pod-z' }])
      }
    }
  })

  it('differ for pods of one second that ended in the same second: by their names', () => {
    const pods = ['pod-b', 'pod-c', 'pod-a'].map((name) => early(name, terminated(1, 1, 1)))
    for (const seen of [pods, pods.toReversed()]) {
      expect(earlierAttempts(job(), seen)).toEqual([
        { number: 1, uid: 'pod-a' },
        { number: 2, uid: 'pod-b' },
      ])
      expect(observe({ job: job(), pods: seen }).attempt).toMatchObject({ number: 3, uid: 'pod-c' })
    }
  })

  it('differ for a failure and a later disruption, whose number the Job records', () => {
    const failed = seen(
      pod({
        metadata: { name: 'own', uid: 'own', creationTimestamp: at(1) },
        worker: terminated(1, 2, 3),
        status: { phase: 'Failed' },
      }),
    )
    const record = [{ ...remembered(2)[1], number: 2 }]
    const recorded = job({
      spec: { backoffLimit: 2 },
      status: { failed: 1 },
      annotations: { [annotations.disruptions]: JSON.stringify(record) },
    })
    for (const pods of [
      [failed, seen(fresh)],
      [failed, seen(evicted(2)), seen(fresh)],
    ]) {
      expect(earlierAttempts(recorded, pods)).toEqual([
        { number: 1, uid: 'own' },
        { number: 2, uid: 'pod-2' },
      ])
      expect(observe({ job: recorded, pods }).attempt).toMatchObject({ number: 3, uid: 'pod-9' })
    }
    // The failed pod is gone: the Job alone counts it.
    expect(earlierAttempts(recorded, [seen(fresh)])).toEqual([{ number: 2, uid: 'pod-2' }])
    expect(observe({ job: recorded, pods: [seen(fresh)] }).attempt?.number).toBe(3)
  })

  it('are those of recorded disruptions alone while no pod is there', () => {
    expect(earlierAttempts(withRecord(2), [])).toEqual([
      { number: 1, uid: 'pod-1' },
      { number: 2, uid: 'pod-2' },
    ])
  })
})

describe('the attempt shown', () => {
  it('is the one whose end decided the job, not a later one that Kubernetes started', () => {
    const full = evicted(1, {
      reason: 'Evicted',
      message: 'Usage of EmptyDir volume "results" exceeds the limit "1Mi". ',
    })
    const pods = [seen(full), seen(fresh)]
    expect(observe({ job: job(), pods })).toMatchObject({ attempt: { uid: 'pod-1' }, lingering: true })
    const stop = { outcome: 'failed', at: ms(30), cause: { reason: 'StorageFull', message: 'full' } }
    const annotated = { [annotations.stop]: JSON.stringify({ ...stop, attempt: 'pod-1' }) }
    expect(observe({ job: job({ annotations: annotated }), pods }).attempt?.uid).toBe('pod-1')
    expect(observe({ job: job({ annotations: annotated }), pods: [seen(full)] }).lingering).toBeUndefined()
    expect(observe({ job: job({ annotations: annotated }), pods: [seen(fresh)] }).attempt).toBeUndefined()
  })

  it('is the newest if the stop names no attempt', () => {
    const stop = { outcome: 'deleted', at: ms(30), cause: { reason: 'Canceled', message: '' } }
    const annotated = {
      [annotations.stop]: JSON.stringify(stop),
      [annotations.disruptions]: JSON.stringify(remembered(4)),
    }
    expect(observe({ job: job({ annotations: annotated }), pods: [seen(fresh)] }).attempt?.uid).toBe('pod-9')
  })
})
