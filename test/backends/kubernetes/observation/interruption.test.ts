import { expect, it } from 'vitest'
import type { Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { at, job, ms, pod, running, seen } from '../objects.ts'

const deleted = { deletionTimestamp: at(37), deletionGracePeriodSeconds: 30 }
const busy = { uploader: { started: true, ...running(2) }, worker: running(4) }
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
  ['a deletion by another client', pod({ metadata: deleted, ...busy }), { reason: 'PodDeleted', at: ms(7) }],
  ['a drain', disrupted('EvictionByEvictionAPI'), { reason: 'Evicted', at: ms(7) }],
  ['a preemption', disrupted('PreemptionByScheduler'), { reason: 'Interrupted', at: ms(7) }],
  ['a lost node', disrupted('DeletionByPodGC'), { reason: 'NodeLost', at: ms(7) }],
  [
    'results above their limit',
    disrupted('TerminationByKubelet', {
      reason: 'Evicted',
      phase: 'Failed',
      message: 'Usage of EmptyDir volume "results" exceeds the limit "1Mi". ',
    }),
    { reason: 'StorageFull', message: expect.stringContaining('result_storage'), at: ms(7) },
  ],
  [
    'results above their limit in the first seconds',
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
    'storage on the node above the limit of its containers',
    disrupted('TerminationByKubelet', {
      reason: 'Evicted',
      phase: 'Failed',
      message: 'Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. ',
    }),
    { reason: 'StorageFull', message: expect.stringMatching(/20Mi\. .*result_storage_class/), at: ms(7) },
  ],
  [
    'storage on the node above the limit of its worker',
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

it.each(interruptions)('shows the interruption of an attempt: %s', (_, one, interrupted) => {
  expect(observe({ job: job(), pods: [seen(one)] }).attempt?.interrupted).toMatchObject(interrupted)
})

it('shows a running pod that vanished as deleted', () => {
  const { attempt } = observe({ job: job(), pods: [seen(pod(busy), ms(50))] })
  expect(attempt).toMatchObject({ ended: true, interrupted: { reason: 'PodDeleted', at: ms(50) } })
})

it("does not show PodDeleted if the Job's deletion, a stop or a suspension deleted the pod", () => {
  const one = [seen(pod({ metadata: deleted, ...busy }))]
  const ofJob = job({ metadata: { deletionTimestamp: at(6) } })
  expect(observe({ job: ofJob, pods: one })).toMatchObject({ deletedAt: ms(6), ended: { at: ms(6) } })
  expect(observe({ job: ofJob, pods: one }).attempt?.interrupted).toBeUndefined()
  const stopped = job({
    annotations: { [annotations.stop]: JSON.stringify({ at: ms(6), outcome: 'canceled' }) },
  })
  expect(observe({ job: stopped, pods: one }).attempt?.interrupted).toBeUndefined()
  const suspended = job({ spec: { suspend: true } })
  expect(observe({ job: suspended, pods: one }).attempt?.interrupted?.reason).toBe('Suspended')
})

it('shows PodDeleted if another client deleted the pod before the API stopped the job', () => {
  const stop = JSON.stringify({ at: ms(9), outcome: 'canceled' })
  const one = [seen(pod({ metadata: deleted, ...busy }))]
  const { attempt } = observe({ job: job({ annotations: { [annotations.stop]: stop } }), pods: one })
  expect(attempt?.interrupted?.reason).toBe('PodDeleted')
})
