import { describe, expect, it, test } from 'vitest'
import { phaseOf } from '../../src/job/job.ts'
import { livePhase } from '../../src/job/phase.ts'
import { attempt } from '../support/api/attempt.ts'
import { disruption, observation } from './state/observations.ts'

test.each([
  ['queued', 'queued'],
  ['preparing', 'queued'],
  ['running', 'running'],
  ['storing', 'running'],
  ['succeeded', 'finished'],
  ['failed', 'failed'],
  ['canceled', 'canceled'],
] as const)('the state %s is the phase %s', (state, phase) => {
  expect(phaseOf(state)).toBe(phase)
})

describe('a job that waits for another attempt', () => {
  it('stays running if it was seen running', () => {
    expect(livePhase('queued', observation(), 'running')).toBe('running')
    expect(livePhase('preparing', observation(), 'running')).toBe('running')
  })

  it('is running for a process that sees only what is left of the attempt before', () => {
    const seen = [
      { failedAttempts: 1 },
      { disruptions: [disruption('a', 1)] },
      { attempt: attempt({ startedAt: 1 }) },
    ]
    for (const one of seen) expect(livePhase('queued', observation(one), undefined)).toBe('running')
  })

  it('stays queued after an attempt that was disrupted before its worker started', () => {
    const disruptions = [{ ...disruption('a', 1), started: false }]
    expect(livePhase('queued', observation({ disruptions }), 'queued')).toBe('queued')
  })
})

it('follows the state to a final one, whatever came before', () => {
  expect(livePhase('canceled', observation({ failedAttempts: 1 }), 'running')).toBe('canceled')
  expect(livePhase('succeeded', observation(), 'queued')).toBe('finished')
})
