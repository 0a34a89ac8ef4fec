import { expect, it } from 'vitest'
import { deletionPhase, withoutWaiting } from '../../../src/job/state/deletion.ts'
import type { Observation, Stop } from '../../../src/job/state/observation.ts'
import { assess } from '../../../src/job/state/state.ts'
import { attempt } from '../../support/api/attempt.ts'

const deletedAt = Date.parse('2026-01-01T00:00:00Z')
const seconds = (count: number) => deletedAt + count * 1000
const stop: Stop = {
  outcome: 'canceled',
  cause: { reason: 'Canceled', message: 'by request' },
  at: deletedAt,
}
const base: Observation = { createdAt: seconds(-60), suspended: false, failedAttempts: 0 }

it.each([
  ['a job without a deletion', base, 1e6, undefined],
  ['a new deletion', { ...base, deletedAt }, 0, { phase: 'wait', next: seconds(75) }],
  ['a deletion within its grace', { ...base, deletedAt }, 74, { phase: 'wait', next: seconds(75) }],
  ['a deletion whose pod does not end', { ...base, deletedAt }, 75, { phase: 'settle', next: seconds(90) }],
  ['a deletion whose record cannot be written', { ...base, deletedAt }, 90, { phase: 'let-go' }],
  [
    "the API's stop whose pod does not end",
    { ...base, deletedAt, stop },
    90,
    { phase: 'settle', next: seconds(3630) },
  ],
  ["the API's stop with an unavailable store", { ...base, deletedAt, stop }, 3630, { phase: 'let-go' }],
])('decides how long to wait for %s', (_, observation, after, expected) => {
  expect(deletionPhase(observation, { stop_grace_seconds: 30 }, seconds(after))).toEqual(expected)
})

it('gives up 60 s after the grace, for a grace of any length', () => {
  for (const stop_grace_seconds of [0, 1, 30, 86_400]) {
    const at = (after: number) =>
      deletionPhase({ ...base, deletedAt }, { stop_grace_seconds }, seconds(stop_grace_seconds + after))
        ?.phase
    expect([44, 45, 59, 60].map(at)).toEqual(['wait', 'settle', 'settle', 'let-go'])
  }
})

it("shows a job whose worker is no longer waited for as JobDeleted, with its checkpoints' result", () => {
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

it('does not wait for a rescue any longer either', () => {
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
