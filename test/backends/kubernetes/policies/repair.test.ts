import { expect, it } from 'vitest'
import type { KubernetesJob, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { annotations, finalizer } from '../../../../src/backends/kubernetes/names.ts'
import type { CachedPod } from '../../../../src/backends/kubernetes/observation/pod-state.ts'
import { repair } from '../../../../src/backends/kubernetes/policies/repair.ts'
import { at, job, ms, pod, running, seen, uuid } from '../objects.ts'

const alive = seen(pod({ worker: running(4), status: { phase: 'Running' } }))
const ending = (grace: number) =>
  seen(pod({ metadata: { deletionTimestamp: at(60), deletionGracePeriodSeconds: grace } }))
const ended = seen(pod({ status: { phase: 'Succeeded' } }))
const gone = seen(alive.pod, ms(9))
const evicted = seen(pod({ status: evictedStatus() }))
const deletion = { deletionTimestamp: at(10) }

const creating = { annotations: { [annotations.creating]: at(0) }, spec: { suspend: true } }
const stopping = {
  annotations: { [annotations.stop]: JSON.stringify({ outcome: 'canceled', at: ms(10), cause: {} }) },
}
const archivedAt = (seconds: number) => ({ annotations: { [annotations.archived]: at(seconds) } })
const recorded = {
  annotations: {
    [annotations.disruptions]: JSON.stringify([{ attempt: 'pod-1', number: 1, reason: 'Evicted' }]),
  },
}

it.each<[string, KubernetesJob, CachedPod[], number, string | undefined]>([
  ['a running job', job(), [alive], 100, undefined],
  ['an abandoned creation', job(creating), [], 61, 'remove-unfinished'],
  [
    'a deleted Job of an incomplete creation',
    job({ ...creating, metadata: deletion }),
    [],
    11,
    'drop-finalizer',
  ],
  [
    'a running Job with the annotation of a creation',
    job({ annotations: creating.annotations }),
    [alive],
    100,
    undefined,
  ],
  [
    'a deleted Job with an unreadable request',
    job({ annotations: { [annotations.request]: 'x' }, metadata: deletion }),
    [alive],
    11,
    'end-pods',
  ],
  [
    'a deleted, archived Job that has its finalizer again',
    job({ ...archivedAt(9), metadata: { ...deletion, finalizers: [finalizer] } }),
    [],
    11,
    'drop-finalizer',
  ],
  ['an attempt that began after the archiving', job(archivedAt(0)), [alive], 1000, 'end-repeat'],
  ['an archived attempt', job(archivedAt(900)), [alive], 1000, undefined],
  ['an unrecorded disruption', job(), [evicted], 1000, 'record-disruption'],
  ['a recorded disruption', job(recorded), [evicted], 1000, undefined],
  [
    'an unreadable stop',
    job({ annotations: { [annotations.stop]: '{"outcome":7}' } }),
    [alive],
    99,
    undefined,
  ],
  ['a stop left undone by its process', job(stopping), [alive], 16, 'finish-stop'],
  ['a stop whose pod is ending', job({ ...stopping, metadata: deletion }), [ending(3)], 16, undefined],
  ["another client's deletion of the Job", job({ metadata: deletion }), [alive], 10, 'end-pods'],
  ['a pod with a grace of an hour', job({ metadata: deletion }), [ending(3600)], 10, 'end-pods'],
  ['a deleted Job whose pod has ended', job({ metadata: deletion }), [ended], 10, undefined],
  ['a deleted Job whose pod is gone', job({ metadata: deletion }), [gone], 10, undefined],
])('decides about %s', (_, one, pods, seconds, action) => {
  const decision = repair({ uuid, job: one, pods, unlabelled: false, agains: [] }, ms(seconds))
  expect(decision).toEqual(action && { action })
})

it.each([
  ['the timeout of a creation', job(creating), 59, ms(60) + 1],
  ['the process that decided a stop', job(stopping), 14, ms(15)],
])('waits for %s', (_, one, seconds, waitUntil) => {
  expect(repair({ uuid, job: one, pods: [alive], unlabelled: false, agains: [] }, ms(seconds))).toEqual({
    waitUntil,
  })
})

it('restores the labels of a Job before any other action', () => {
  const decision = repair({ uuid, job: job(stopping), pods: [alive], unlabelled: true, agains: [] }, ms(99))
  expect(decision).toEqual({ action: 'restore-labels' })
})

function evictedStatus(): Pod['status'] {
  const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }
  return { phase: 'Failed', conditions: [{ ...condition, lastTransitionTime: at(20) }] }
}
