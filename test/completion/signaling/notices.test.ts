import { expect, it } from 'vitest'
import { noticeKind, noticeMessage } from '../../../src/completion/signaling/notices.ts'
import { createLog } from '../../../src/log.ts'
import { newFlow } from './flows-cases.ts'

const nobody = () => Promise.reject(new Error('nothing is sent here'))
const flow = newFlow('process')
const kind = noticeKind({
  log: createLog('test', 'silent'),
  dataplaneId: 'plane',
  outgoing: { send: nobody },
  ownKey: { sign: nobody },
  readFlow: async (id) => (id === flow.id ? flow : undefined),
  controlPlane: async () => undefined,
  address: nobody,
})

it.each(['prepared', 'started', 'errored'] as const)(
  'makes a notice %s anew that was damaged',
  async (notice) => {
    const { lane, seq, id, ...rest } = noticeMessage(flow, notice, '')
    expect(await kind.remake?.({ lane, ...(seq !== undefined && { seq }), id })).toEqual({
      lane,
      seq,
      id,
      ...rest,
    })
  },
)

it.each([
  ['of another flow', { lane: 'flow-another', seq: 1, id: 'another-started' }],
  ['of a termination', { lane: 'flow-process-end', seq: 0, id: 'process-terminate' }],
  ['of a job', { lane: 'job-process', seq: 1, id: 'process-started' }],
])('makes no notice %s', async (_, name) => {
  expect(await kind.remake?.(name)).toBeUndefined()
})
