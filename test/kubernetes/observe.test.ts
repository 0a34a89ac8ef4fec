import { expect, it } from 'vitest'
import { annotations } from '../../src/kubernetes/names.ts'
import type { Pod } from '../../src/kubernetes/objects.ts'
import { observe } from '../../src/kubernetes/observe.ts'
import { at, job, ms, pod, running, seen, terminated, waiting } from './objects.ts'

const uploading = { started: true, ...running(2) }

it('shows a job without a pod', () => {
  expect(observe({ job: job(), pods: [] })).toEqual({ createdAt: ms(0), suspended: false, failedAttempts: 0 })
})

it('tells a suspension by somebody from a creation under way', () => {
  const spec = { suspend: true }
  expect(observe({ job: job({ spec }), pods: [] }).suspended).toBe(true)
  const marks = { [annotations.creating]: at(0) }
  expect(observe({ job: job({ spec, marks }), pods: [] }).suspended).toBe(false)
})

it('shows the decision to stop, and that no attempt follows it', () => {
  const stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: 'by test' }, at: ms(5) } as const
  const marks = { [annotations.stop]: JSON.stringify(stop) }
  expect(observe({ job: job({ marks }), pods: [] })).toMatchObject({ stop, ended: { at: ms(5) } })
})

it('shows a running worker behind an uploader that is ready', () => {
  const one = pod({ nodeName: 'node', uploader: uploading, worker: running(4), status: { phase: 'Running' } })
  expect(observe({ job: job(), pods: [seen(one)] }).attempt).toEqual({
    uid: 'pod-1',
    number: 1,
    createdAt: ms(1),
    scheduled: true,
    uploader: { ready: true, resolution: 1000, restarts: 0, startedAt: ms(2) },
    worker: { resolution: 1000, restarts: 0, startedAt: ms(4) },
    ended: false,
  })
})

it('takes an uploader that has not passed its startup probe for not ready', () => {
  const one = pod({ uploader: { started: false, ...running(2) }, worker: waiting('PodInitializing') })
  const { attempt, blocked } = observe({ job: job(), pods: [seen(one)] })
  expect(attempt).toMatchObject({ uploader: { ready: false, startedAt: ms(2) }, ended: false })
  expect(blocked).toBeUndefined()
})

it("knows of the last attempt's end before the Job's condition does", () => {
  const storing = (exitCode: number, phase = 'Running') => [
    seen(pod({ uploader: uploading, worker: terminated(exitCode, 4, 9), status: { phase } })),
  ]
  expect(observe({ job: job(), pods: storing(0) })).toMatchObject({
    ended: { at: ms(9) },
    attempt: { ended: false, worker: { exitCode: 0, finishedAt: ms(9) } },
  })
  // Only at the pod's end does its kubelet say whether it was evicted.
  expect(observe({ job: job(), pods: storing(1) }).ended).toBeUndefined()
  expect(observe({ job: job(), pods: storing(1, 'Failed') }).ended).toEqual({ at: ms(9) })
  expect(
    observe({ job: job({ spec: { backoffLimit: 1 } }), pods: storing(1, 'Failed') }).ended,
  ).toBeUndefined()
  expect(observe({ job: job({ spec: { backoffLimit: 1 } }), pods: storing(0) }).ended).toEqual({ at: ms(9) })
})

it("takes the Job's conditions for the end", () => {
  const conditions = [
    { type: 'Suspended', status: 'False', lastTransitionTime: at(1) },
    { type: 'Failed', status: 'True', lastTransitionTime: at(20) },
    { type: 'FailureTarget', status: 'True', lastTransitionTime: at(18) },
  ]
  const observed = observe({ job: job({ status: { conditions, failed: 1 } }), pods: [] })
  expect(observed).toMatchObject({ ended: { at: ms(18) }, failedAttempts: 1 })
})

it('counts attempts, those included whose pods are gone', () => {
  const first = pod({ worker: terminated(1, 4, 9), status: { phase: 'Failed' } })
  const second = pod({
    metadata: { name: 'b', uid: 'pod-2', creationTimestamp: at(20) },
    uploader: uploading,
    worker: running(22),
  })
  const withTwo = observe({ job: job({ spec: { backoffLimit: 1 } }), pods: [seen(second), seen(first)] })
  expect(withTwo).toMatchObject({ failedAttempts: 1, attempt: { uid: 'pod-2', number: 2 } })
  const restarted = observe({ job: job({ status: { failed: 1 } }), pods: [seen(second)] })
  expect(restarted).toMatchObject({ failedAttempts: 1, attempt: { uid: 'pod-2', number: 2 } })
})

it('keeps the attempt of a pod that is gone', () => {
  const one = pod({ uploader: terminated(0, 2, 10), worker: terminated(0, 4, 9) })
  const { attempt } = observe({ job: job(), pods: [seen(one, ms(11))] })
  expect(attempt).toMatchObject({ ended: true, worker: { exitCode: 0 } })
  expect(attempt?.interrupted).toBeUndefined()
})

const deleted = { deletionTimestamp: at(37), deletionGracePeriodSeconds: 30 }
const busy = { uploader: uploading, worker: running(4) }
const disrupted = (reason: string, status: Pod['status'] = {}) =>
  pod({
    status: {
      ...status,
      containerStatuses: [],
      conditions: [
        { type: 'DisruptionTarget', status: 'True', reason, message: 'why', lastTransitionTime: at(7) },
      ],
    },
  })

const interruptions: [string, Pod, object][] = [
  ['a deletion by a person', pod({ metadata: deleted, ...busy }), { reason: 'PodDeleted', at: ms(7) }],
  ['a drain', disrupted('EvictionByEvictionAPI'), { reason: 'Evicted', at: ms(7) }],
  ['a preemption', disrupted('PreemptionByScheduler'), { reason: 'Interrupted', at: ms(7) }],
  ['a lost node', disrupted('DeletionByPodGC'), { reason: 'NodeLost', at: ms(7) }],
  [
    'too much in the results',
    disrupted('TerminationByKubelet', {
      reason: 'Evicted',
      phase: 'Failed',
      message: 'Usage of EmptyDir volume "results" exceeds the limit "1Mi". ',
    }),
    { reason: 'StorageFull', message: expect.stringContaining('result_storage'), at: ms(7) },
  ],
  [
    'the same in its first seconds',
    pod({
      status: {
        reason: 'Evicted',
        phase: 'Failed',
        message: 'Usage of EmptyDir volume "results" exceeds the limit "1Mi". ',
        containerStatuses: [],
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: at(7) }],
      },
    }),
    { reason: 'StorageFull', at: ms(7) },
  ],
  [
    'more on the node than its containers may have',
    disrupted('TerminationByKubelet', {
      reason: 'Evicted',
      phase: 'Failed',
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. ',
    }),
    { reason: 'StorageFull', message: expect.stringMatching(/20Mi\. .*result_storage_class/), at: ms(7) },
  ],
  [
    'more on the node than its worker may have',
    disrupted('TerminationByKubelet', {
      reason: 'Evicted',
      phase: 'Failed',
      message: 'Container worker exceeded its local ephemeral storage limit "10Mi". ',
    }),
    { reason: 'StorageFull', message: expect.stringMatching(/"10Mi"\. .*LimitRange/), at: ms(7) },
  ],
  [
    'a node under pressure',
    disrupted('TerminationByKubelet', { reason: 'Evicted', phase: 'Failed', message: 'low on memory' }),
    { reason: 'Evicted', message: 'low on memory', at: ms(7) },
  ],
]

it.each(interruptions)('names what interrupted an attempt: %s', (_, one, interrupted) => {
  expect(observe({ job: job(), pods: [seen(one)] }).attempt?.interrupted).toMatchObject(interrupted)
})

it('takes a pod that vanished while it ran for deleted', () => {
  const { attempt } = observe({ job: job(), pods: [seen(pod(busy), ms(50))] })
  expect(attempt).toMatchObject({ ended: true, interrupted: { reason: 'PodDeleted', at: ms(50) } })
})

it("takes no deletion for an interruption that follows from the Job's, a stop or a suspension", () => {
  const one = [seen(pod({ metadata: deleted, ...busy }))]
  const ofJob = job({ metadata: { deletionTimestamp: at(6) } })
  expect(observe({ job: ofJob, pods: one })).toMatchObject({ deletedAt: ms(6), ended: { at: ms(6) } })
  expect(observe({ job: ofJob, pods: one }).attempt?.interrupted).toBeUndefined()
  const stopped = job({ marks: { [annotations.stop]: JSON.stringify({ at: ms(6), outcome: 'canceled' }) } })
  expect(observe({ job: stopped, pods: one }).attempt?.interrupted).toBeUndefined()
  const suspended = job({ spec: { suspend: true } })
  expect(observe({ job: suspended, pods: one }).attempt?.interrupted?.reason).toBe('Suspended')
})

it("still knows of somebody's deletion where the API decided to stop the job later", () => {
  const stop = JSON.stringify({ at: ms(9), outcome: 'canceled' })
  const one = [seen(pod({ metadata: deleted, ...busy }))]
  const { attempt } = observe({ job: job({ marks: { [annotations.stop]: stop } }), pods: one })
  expect(attempt?.interrupted?.reason).toBe('PodDeleted')
})

it('knows no end by pods alone of which the Job has counted more, until all were asked for', () => {
  const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: at(20) }]
  const done = job({ status: { conditions, failed: 1, succeeded: 1 } })
  const first = [seen(pod({ worker: terminated(1, 4, 9), status: { phase: 'Failed' } }))]
  expect(observe({ job: done, pods: first }).incomplete).toBe(true)
  expect(observe({ job: done, pods: [] }).incomplete).toBe(true)
  expect(observe({ job: done, pods: first, podsKnown: true }).incomplete).toBeUndefined()
})

it.each([
  ['OOMKilled', {}, 'OOMKilled', /memory/],
  ['StartError', { message: 'exec: "nothing": not found' }, 'Error', /"nothing": not found/],
  [
    'StartError',
    { message: 'failed to create containerd task: failed to create shim task: context canceled: unknown' },
    'Interrupted',
    /deploy it again.*context canceled/,
  ],
  ['ContainerStatusUnknown', {}, 'Interrupted', /lost track/],
])("gives the worker's own reason: %s", (reason, more, expected, message) => {
  const worker = terminated(137, 4, 9, { reason, ...more })
  const { attempt } = observe({ job: job(), pods: [seen(pod({ uploader: uploading, worker }))] })
  expect(attempt?.worker.cause).toEqual({ reason: expected, message: expect.stringMatching(message) })
})

it("doesn't take the year 1970, which containerd gives for a worker that it couldn't start, for a start", () => {
  const state = { reason: 'StartError', exitCode: 128, startedAt: '1970-01-01T00:00:00Z', finishedAt: at(9) }
  const worker = { ...terminated(128, 0, 9), state: { terminated: state } }
  const { attempt } = observe({ job: job(), pods: [seen(pod({ uploader: uploading, worker }))] })
  expect(attempt?.worker.startedAt).toBeUndefined()
  expect(attempt?.worker.exitCode).toBeUndefined()
  expect(attempt?.worker.cause?.reason).toBe('Error')
})

it('gives no reason of its own to a worker that just exited', () => {
  const worker = terminated(3, 4, 9, { reason: 'Error', message: 'last words' })
  const { attempt } = observe({ job: job(), pods: [seen(pod({ worker }))] })
  expect(attempt?.worker).toMatchObject({ exitCode: 3, message: 'last words' })
  expect(attempt?.worker.cause).toBeUndefined()
})

it('names a node that refused the pod', () => {
  const one = pod({ status: { phase: 'Failed', reason: 'OutOfcpu', message: 'Node didn’t have enough' } })
  const { attempt } = observe({ job: job(), pods: [seen(one)] })
  expect(attempt).toMatchObject({ ended: true, worker: { cause: { reason: 'Error' } } })
})

it('prefers what the pod says blocks it to what was noticed elsewhere, and forgets both at its end', () => {
  const noticed = { reason: 'FailedMount', message: 'noticed' } as const
  const pulling = pod({ uploader: uploading, worker: waiting('ErrImagePull', 'no such image') })
  expect(observe({ job: job(), pods: [seen(pulling)], blocked: noticed }).blocked).toEqual({
    reason: 'ErrImagePull',
    message: "worker's image worker:1: no such image",
  })
  expect(observe({ job: job(), pods: [seen(pod())], blocked: noticed }).blocked).toEqual(noticed)
  expect(observe({ job: job(), pods: [seen(pod(), ms(9))], blocked: noticed }).blocked).toBeUndefined()
})
