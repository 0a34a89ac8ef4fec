import { expect, test } from 'vitest'
import { failureOf } from '../../../src/dataspaces/provisioning/failure.ts'
import type { Job, ResultState, State } from '../../../src/job/job.ts'
import { defined } from '../../../src/util/objects.ts'

const dataset = { format: 'tar', givenAs: 'http', remove: 'nothing' } as const

test.each<[State, ResultState, boolean, string | undefined, string | undefined]>([
  ['succeeded', 'complete', true, undefined, undefined],
  ['succeeded', 'complete', true, 'a', undefined],
  ['succeeded', 'partial', true, 'a', undefined],
  ['succeeded', 'partial', true, undefined, 'not all of its files'],
  ['succeeded', 'partial', false, undefined, undefined],
  ['failed', 'partial', true, 'a', 'job u failed: Error: exit code 3'],
  ['canceled', 'partial', true, undefined, 'job u canceled'],
  ['failed', 'partial', false, undefined, undefined],
  ['failed', 'missing', false, undefined, 'job u failed'],
])(
  'a job in state %s with a %s result, created for the transfer: %s, file %s: failure %s',
  (state, kept, own, file, expected) => {
    const result = { state: kept, count: 1, bytes: 1 }
    const job = { job_uuid: 'u', state, reason: 'Error', message: 'exit code 3', result } as Job
    const failure = failureOf({ own, dataset: { ...dataset, ...defined({ file }) } }, job)
    if (expected === undefined) expect(failure).toBeUndefined()
    else expect(failure).toContain(expected)
  },
)
