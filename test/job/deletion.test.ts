import { expect, it } from 'vitest'
import { deletionPhase, withoutWaiting } from '../../src/job/deletion.ts'
import type { Observation, Stop } from '../../src/job/observation.ts'
import { assess } from '../../src/job/state.ts'
import { attempt } from '../support/attempt.ts'

const deletedAt = Date.parse('2026-01-01T00:00:00Z')
const seconds = (count: number) => deletedAt + count * 1000
const stop: Stop = {
  outcome: 'canceled',
  cause: { reason: 'Canceled', message: 'by request' },
  at: deletedAt,
}
const base: Observation = { createdAt: seconds(-60), suspended: false, failedAttempts: 0 }

it.each([
  ['a job that nobody deletes', base, 1e6, undefined],
  ['a deletion that has just begun', { ...base, deletedAt }, 0, { phase: 'wait', next: seconds(75) }],
  ['a deletion within its grace', { ...base, deletedAt }, 74, { phase: 'wait', next: seconds(75) }],
  ['a deletion whose pod does not end', { ...base, deletedAt }, 75, { phase: 'settle', next: seconds(90) }],
  ['a deletion whose record can not be written', { ...base, deletedAt }, 90, { phase: 'let-go' }],
  [
    'a stop of our own whose pod does not end',
    { ...base, deletedAt, stop },
    90,
    { phase: 'settle', next: seconds(3630) },
  ],
  ['a stop of our own and a store that is gone', { ...base, deletedAt, stop }, 3630, { phase: 'let-go' }],
])('knows for how long %s is waited for', (_, observation, after, expected) => {
  expect(deletionPhase(observation, { stop_grace_seconds: 30 }, seconds(after))).toEqual(expected)
})

it('gives up aloud 60 s after the grace, whatever the grace is', () => {
  for (const stop_grace_seconds of [0, 1, 30, 86_400]) {
    const at = (after: number) =>
      deletionPhase({ ...base, deletedAt }, { stop_grace_seconds }, seconds(stop_grace_seconds + after))
        ?.phase
    expect([44, 45, 59, 60].map(at)).toEqual(['wait', 'settle', 'settle', 'let-go'])
  }
})

it('calls a job whose worker is waited for no longer failed as JobDeleted, with what its checkpoints say', () => {
  const observation: Observation = {
    ...base,
    deletedAt,
    attempt: attempt({ startedAt: seconds(-50) }),
  }
  const head = { version: 1, job: 'j', attempt: 'a', scan_started_at: '2026-01-01T00:00:20Z' } as const
  const stored = { ...head, count: 2, bytes: 9, errors: 0, checkpoint: 4 }
  expect(assess(observation, stored, 0)).toMatchObject({ state: 'running' })
  const expected = {
    state: 'failed',
    cause: { reason: 'JobDeleted' },
    result: { state: 'partial', count: 2 },
  }
  expect(assess(withoutWaiting(observation), stored, 0)).toMatchObject(expected)
})

it('waits no longer for a rescue either', () => {
  const times = { startedAt: seconds(-50), finishedAt: seconds(-40) }
  const running = attempt({ ...times, exitCode: 0 }, { ended: true })
  const ended = { ...running, uploader: { ...running.uploader, ...times } }
  for (const state of ['running', 'possible'] as const) {
    for (const shown of [{ attempt: ended }, {}]) {
      const observation: Observation = { ...base, ...shown, deletedAt, stop, rescue: { state } }
      if ('attempt' in shown) expect(assess(observation, 'none', 0)).toMatchObject({ state: 'storing' })
      expect(assess(withoutWaiting(observation), 'none', 0)).toMatchObject({ state: 'canceled' })
    }
  }
})
