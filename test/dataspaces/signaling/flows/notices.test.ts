import { expect, it } from 'vitest'
import { noticeKind, noticeMessage } from '../../../../src/dataspaces/signaling/flows/notices.ts'
import { createLog } from '../../../../src/util/log.ts'
import { defined } from '../../../../src/util/objects.ts'
import { newFlow } from './flows-cases.ts'

const neverCalled = () => Promise.reject(new Error('nothing is sent here'))
const flow = newFlow('process')
const kind = noticeKind({
  log: createLog('test', 'silent'),
  dataplaneId: 'plane',
  outgoing: { send: neverCalled },
  ownKey: { sign: neverCalled },
  readFlow: async (id) => (id === flow.id ? flow : undefined),
  controlPlane: async () => undefined,
  address: neverCalled,
})

it.each(['prepared', 'started', 'errored'] as const)('remakes a damaged notice %s', async (notice) => {
  const { lane, seq, id, ...rest } = noticeMessage(flow, notice, '')
  expect(await kind.remake?.({ lane, ...defined({ seq }), id })).toEqual({
    lane,
    seq,
    id,
    ...rest,
  })
})

it.each([
  ['of another flow', { lane: 'flow-another', seq: 1, id: 'another-started' }],
  ['of a termination', { lane: 'flow-process-end', seq: 0, id: 'process-terminate' }],
  ['of a job', { lane: 'job-process', seq: 1, id: 'process-started' }],
])('does not remake a notice %s', async (_, name) => {
  expect(await kind.remake?.(name)).toBeUndefined()
})
