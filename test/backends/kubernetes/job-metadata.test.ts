import { expect, it } from 'vitest'
import {
  inputsSha256Of,
  isCreating,
  isOurs,
  recordedDisruptions,
  requestOfJob,
  stopOf,
} from '../../../src/backends/kubernetes/job-metadata.ts'
import { annotations, finalizer } from '../../../src/backends/kubernetes/names.ts'
import { lastDisruption } from '../../../src/job/state/disruption.ts'
import { job } from './objects.ts'
import { clusterRequest } from './request.ts'

const standard = {
  retries: 0,
  stop_grace_seconds: 30,
  upload_timeout_seconds: 3600,
  keep_seconds: 3600,
  // Version 0.1 stored requests without a layout.
  result_layout: 'files',
  env: {},
}

it.each([
  ['missing', undefined, standard],
  ['of invalid JSON', '{"retries": 3', standard],
  ['with an array', '[1]', standard],
  ['with null', 'null', standard],
  [
    'with fields of other types',
    '{"retries": "3", "keep_seconds": null, "env": [], "timeout_seconds": {}}',
    standard,
  ],
  ['with negative times', '{"stop_grace_seconds": -1}', standard],
  [
    'with fractional and excessive numbers',
    '{"stop_grace_seconds": 0.5, "keep_seconds": 1e12, "result_keep_seconds": 1e15, "retries": 1e9}',
    standard,
  ],
  [
    'with some fields',
    '{"retries": 3, "timeout_seconds": 9}',
    { ...standard, retries: 3, timeout_seconds: 9 },
  ],
  ['in full', JSON.stringify(clusterRequest('x')), clusterRequest('x')],
])('reads a request annotation %s with its usable fields and the defaults', (_, text, expected) => {
  const found = requestOfJob(job({ annotations: { [annotations.request]: text ?? '' } }))
  expect(found).toMatchObject(expected)
  expect(found.result_keep_seconds).toBeUndefined()
  expect(found.timeout_seconds).toBe('timeout_seconds' in expected ? expected.timeout_seconds : undefined)
})

it.each([
  ['none that is known: version 0.2 kept no digest', undefined, undefined],
  ['none', '', null],
  ['a list', 'ab12', 'ab12'],
])('reads of the inputs of a Job %s', (_, text, expected) => {
  const annotated = text === undefined ? {} : { [annotations.inputsSha256]: text }
  expect(inputsSha256Of(job({ annotations: annotated }))).toBe(expected)
})

const canceled = { outcome: 'canceled', cause: { reason: 'Canceled', message: 'by request' }, at: 5 }

it.each([
  ['in full', JSON.stringify(canceled), canceled],
  ['of invalid JSON', 'x', undefined],
  ['of an unknown kind', '{"outcome":"paused","at":1}', undefined],
  [
    'without a cause',
    '{"outcome":"deleted","at":1}',
    { outcome: 'deleted', cause: { reason: 'Error' }, at: 1 },
  ],
  ['with an excessive time', JSON.stringify({ ...canceled, at: 8.65e15 }), { ...canceled, at: 0 }],
  [
    'with an object as message',
    '{"outcome":"failed","at":1,"cause":{"reason":"Error","message":{}}}',
    { outcome: 'failed', cause: { reason: 'Error', message: 'not told' } },
  ],
  ['with a text as time', JSON.stringify({ ...canceled, at: 'now' }), { ...canceled, at: 0 }],
])('reads a stop annotation %s', (_, text, expected) => {
  const found = stopOf(job({ annotations: { [annotations.stop]: text } }))
  if (expected === undefined) expect(found).toBeUndefined()
  else expect(found).toMatchObject(expected)
})

it('treats a Job as being created only while it is suspended', () => {
  const annotated = { [annotations.creating]: 'x' }
  expect(
    [true, false].map((suspend) => isCreating(job({ annotations: annotated, spec: { suspend } }))),
  ).toEqual([true, false])
})

it("tells another program's Job from ours, even with our name and labels", () => {
  const foreign = { metadata: { name: job().metadata?.name ?? '', labels: job().metadata?.labels ?? {} } }
  expect(isOurs(foreign)).toBe(false)
  expect(isOurs({ metadata: { ...foreign.metadata, finalizers: [finalizer] } })).toBe(true)
  expect(isOurs(job())).toBe(true)
})

it('reads disruptions with excessive times', () => {
  const one = { attempt: 'a', number: 1, started: true, reason: 'Interrupted', message: 'm', at: 1e20 }
  const four = [1, 2, 3, 4].map((number) => ({ ...one, attempt: `${number}`, number }))
  const found = recordedDisruptions(job({ annotations: { [annotations.disruptions]: JSON.stringify(four) } }))
  expect(found.map(({ at }) => at)).toEqual([0, 0, 0, 0])
  expect(lastDisruption(found)?.cause.reason).toBe('TooManyDisruptions')
})
