import { expect, it } from 'vitest'
import { lastDisruption } from '../../src/job/disruption.ts'
import { isCreating, isOurs, recordedDisruptions, requestOf, stopOf } from '../../src/kubernetes/marks.ts'
import { annotations, finalizer } from '../../src/kubernetes/names.ts'
import { job } from './objects.ts'
import { clusterRequest } from './request.ts'

const standard = {
  retries: 0,
  stop_grace_seconds: 30,
  upload_timeout_seconds: 3600,
  keep_seconds: 3600,
  env: {},
}

it.each([
  ['that is missing', undefined, standard],
  ['that is no JSON', '{"retries": 3', standard],
  ['that is no object', '[1]', standard],
  ['that is null', 'null', standard],
  [
    'with fields of other types',
    '{"retries": "3", "keep_seconds": null, "env": [], "timeout_seconds": {}}',
    standard,
  ],
  ['with negative times', '{"stop_grace_seconds": -1}', standard],
  [
    'with times that nothing can be done with',
    '{"stop_grace_seconds": 0.5, "keep_seconds": 1e12, "result_keep_seconds": 1e15, "retries": 1e9}',
    standard,
  ],
  [
    'with some fields',
    '{"retries": 3, "timeout_seconds": 9}',
    { ...standard, retries: 3, timeout_seconds: 9 },
  ],
  ['as it was written', JSON.stringify(clusterRequest('x')), clusterRequest('x')],
])('takes from a request %s what can be used, and the defaults', (_, text, expected) => {
  const found = requestOf(job({ marks: { [annotations.request]: text ?? '' } }))
  expect(found).toMatchObject(expected)
  expect(found.result_keep_seconds).toBeUndefined()
  expect(found.timeout_seconds).toBe('timeout_seconds' in expected ? expected.timeout_seconds : undefined)
})

const canceled = { outcome: 'canceled', cause: { reason: 'Canceled', message: 'by request' }, at: 5 }

it.each([
  ['that was written down', JSON.stringify(canceled), canceled],
  ['that is no JSON', 'x', undefined],
  ['of an unknown kind', '{"outcome":"paused","at":1}', undefined],
  [
    'without a cause',
    '{"outcome":"deleted","at":1}',
    { outcome: 'deleted', cause: { reason: 'Error' }, at: 1 },
  ],
  ['of no time', JSON.stringify({ ...canceled, at: 8.65e15 }), { ...canceled, at: 0 }],
  [
    'with a message that is no text',
    '{"outcome":"failed","at":1,"cause":{"reason":"Error","message":{}}}',
    { outcome: 'failed', cause: { reason: 'Error', message: 'not told' } },
  ],
  ['without a time', JSON.stringify({ ...canceled, at: 'now' }), { ...canceled, at: 0 }],
])('reads a decision %s', (_, text, expected) => {
  const found = stopOf(job({ marks: { [annotations.stop]: text } }))
  if (expected === undefined) expect(found).toBeUndefined()
  else expect(found).toMatchObject(expected)
})

it('takes a Job for half made only while it is suspended', () => {
  const marks = { [annotations.creating]: 'x' }
  expect([true, false].map((suspend) => isCreating(job({ marks, spec: { suspend } })))).toEqual([true, false])
})

it("knows somebody else's Job, whatever it is called", () => {
  const foreign = { metadata: { name: job().metadata?.name ?? '', labels: job().metadata?.labels ?? {} } }
  expect(isOurs(foreign)).toBe(false)
  expect(isOurs({ metadata: { ...foreign.metadata, finalizers: [finalizer] } })).toBe(true)
  expect(isOurs(job())).toBe(true)
})

it('reads disruptions at times that are none', () => {
  const one = { attempt: 'a', number: 1, started: true, reason: 'Interrupted', message: 'm', at: 1e20 }
  const four = [1, 2, 3, 4].map((number) => ({ ...one, attempt: `${number}`, number }))
  const found = recordedDisruptions(job({ marks: { [annotations.disruptions]: JSON.stringify(four) } }))
  expect(found.map(({ at }) => at)).toEqual([0, 0, 0, 0])
  expect(lastDisruption(found)?.cause.reason).toBe('TooManyDisruptions')
})
