import { describe, expect, it } from 'vitest'
import { withCondition } from '../../../src/job/state/output-condition.ts'
import type { Assessment } from '../../../src/job/state/state.ts'

const assessed = (state: Assessment['state'], more: Partial<Assessment> = {}): Assessment => ({
  state,
  result: { state: state === 'succeeded' ? 'complete' : 'partial', count: 3, bytes: 9 },
  awaitsManifest: false,
  deleted: false,
  ...more,
})

describe('when', () => {
  it.each([
    ['always', 'succeeded', true],
    ['always', 'canceled', true],
    ['success', 'succeeded', true],
    ['success', 'failed', false],
    ['success', 'canceled', false],
    ['failure', 'succeeded', false],
    ['failure', 'failed', true],
    ['failure', 'canceled', true],
  ] as const)('"%s" keeps the result of a job that has %s: %s', (when, state, isKept) => {
    const assessment = withCondition(assessed(state), { when })
    if (isKept) expect(assessment).toEqual(assessed(state))
    else {
      expect(assessment).toMatchObject({ state, result: { state: 'missing', count: 0, bytes: 0 } })
      expect(assessment.note).toContain(`\`outputs.when\` is "${when}", and the job is ${state}`)
    }
  })

  it('says so behind the cause, or behind a remark', () => {
    const cause = { reason: 'Error', message: 'it exited with code 3' } as const
    expect(withCondition(assessed('failed', { cause }), { when: 'success' }).cause).toMatchObject({
      reason: 'Error',
      message: expect.stringMatching(/^it exited with code 3\. The result is not kept: /),
    })
    expect(withCondition(assessed('succeeded', { note: 'a remark' }), { when: 'failure' }).note).toMatch(
      /^a remark\. The result is not kept: /,
    )
  })

  it.each(['running', 'storing'] as const)('says nothing while the job is %s', (state) => {
    const live = assessed(state, { result: { state: null, count: null, bytes: null } })
    expect(withCondition(live, { when: 'success' })).toEqual(live)
  })
})
