import { expect, it } from 'vitest'
import { dutyOf } from '../../src/kubernetes/caretaker.ts'
import { annotations, finalizer } from '../../src/kubernetes/names.ts'
import { at, job, ms, pod, running, seen, uuid } from './objects.ts'

const alive = seen(pod({ worker: running(4), status: { phase: 'Running' } }))
const ending = (grace: number) =>
  seen(pod({ metadata: { deletionTimestamp: at(60), deletionGracePeriodSeconds: grace } }))
const ended = seen(pod({ status: { phase: 'Succeeded' } }))
const creating = { [annotations.creating]: at(0) }
const stopping = { [annotations.stop]: JSON.stringify({ outcome: 'canceled', at: ms(10), cause: {} }) }
const deletion = { deletionTimestamp: at(10) }

it.each([
  ['a job that runs', job(), [alive], 100, undefined],
  ['a creation under way', job({ marks: creating, spec: { suspend: true } }), [], 59, undefined],
  [
    'a creation that was given up',
    job({ marks: creating, spec: { suspend: true } }),
    [],
    61,
    'remove-unfinished',
  ],
  [
    'a half-made Job that is deleted',
    job({ marks: creating, metadata: deletion, spec: { suspend: true } }),
    [],
    11,
    'let-go',
  ],
  ['a Job that runs with a mark that somebody put there', job({ marks: creating }), [alive], 100, undefined],
  [
    'a Job whose request nobody can read and that is deleted',
    job({ marks: { [annotations.request]: 'x' }, metadata: deletion }),
    [alive],
    11,
    'end-pods',
  ],
  [
    'an archived Job with a finalizer again that is deleted',
    job({ marks: { [annotations.archived]: at(9) }, metadata: { ...deletion, finalizers: [finalizer] } }),
    [],
    11,
    'let-go',
  ],
  [
    'a decision that nobody can read',
    job({ marks: { [annotations.stop]: '{"outcome":7}' } }),
    [alive],
    99,
    undefined,
  ],
  ['a stop that was just decided', job({ marks: stopping }), [alive], 14, undefined],
  ['a stop that nobody carried out', job({ marks: stopping }), [alive], 16, 'finish-stop'],
  ['a stop whose pod ends', job({ marks: stopping, metadata: deletion }), [ending(3)], 16, undefined],
  ["somebody's deletion of the Job", job({ metadata: deletion }), [alive], 10, 'end-pods'],
  ['a pod that was given an hour', job({ metadata: deletion }), [ending(3600)], 10, 'end-pods'],
  ['a deleted Job whose pod has ended', job({ metadata: deletion }), [ended], 10, undefined],
  ['a deleted Job whose pod is gone', job({ metadata: deletion }), [seen(alive.pod, ms(9))], 10, undefined],
])('knows what %s asks for', (_, one, pods, seconds, duty) => {
  expect(dutyOf({ uuid, job: one, pods, lost: false }, ms(seconds))).toBe(duty)
})
