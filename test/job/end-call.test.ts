import { expect, it } from 'vitest'
import { endRefusal, isProofOfEnd, proofOfEnd, signEnd } from '../../src/job/end-call.ts'

const call = { attempt: 'pod-1', at: 1_800_000_000_000, body: '{"outcome":"deleted"}' }
const signature = signEnd('key', call)

it('accepts a call that was signed with the key within five minutes, before or after', () => {
  for (const now of [call.at - 300_000, call.at, call.at + 300_000])
    expect(endRefusal('key', call, signature, now)).toBeUndefined()
})

it.each([
  ['of another key', signEnd('other', call)],
  ['of another attempt', signEnd('key', { ...call, attempt: 'pod-2' })],
  ['of another time', signEnd('key', { ...call, at: call.at + 1 })],
  ['of another body', signEnd('key', { ...call, body: '{"outcome":"canceled"}' })],
  ['that is cut', signature.slice(1)],
  ['that is missing', undefined],
  ['that is a proof', proofOfEnd('key', signature)],
])('refuses a signature %s', (_, wrong) => {
  expect(endRefusal('key', call, wrong, call.at)).toBe('the signature is wrong')
})

it.each([-300_001, 300_001, Number.NaN])('refuses a call that was signed %d ms from now', (away) => {
  const at = call.at - away
  const late = { ...call, at }
  expect(endRefusal('key', late, signEnd('key', late), call.at)).toMatch(/a clock is wrong/)
})

it('takes only what the key makes of the signature for a proof', () => {
  expect(isProofOfEnd('key', signature, proofOfEnd('key', signature))).toBe(true)
  for (const wrong of [signature, proofOfEnd('other', signature), '', undefined, ['x']])
    expect(isProofOfEnd('key', signature, wrong)).toBe(false)
})
