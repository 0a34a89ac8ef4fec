import { describe, expect, it } from 'vitest'
import { nextDeadline } from '../../../src/job/state/deadlines.ts'
import type { Attempt, Disruption, Observation } from '../../../src/job/state/observation.ts'
import { attempt } from '../../support/api/attempt.ts'

const created = 1_000_000
const request = { start_timeout_seconds: 60, timeout_seconds: 10, retries: 0 }

describe('a program that has failed and is held', () => {
  const held = { reason: 'HeldAfterFailure', message: '' } as const
  const limits = { ...request, heartbeat_seconds: 5, hold_after_failure_seconds: 30 }
  const since = { at: new Date(created + 5000).toISOString(), exit_code: 1 }
  const heard = { word: { held: since }, at: created + 34_999, silentSeconds: 30 }
  const seen = { ...observation(attempt({ startedAt: created, resolution: 0 })), heard, held }

  it('is not silent, and its time ends with the hold', () => {
    expect(nextDeadline(seen, limits, created + 39_999)).toEqual({ at: created + 40_000 })
  })

  it('is silent once its hold must be over: a program that runs may only say that it is held', () => {
    const late = { ...seen, heard: { ...heard, at: created + 35_000 } }
    expect(nextDeadline(late, limits, created + 35_000)).toMatchObject({
      stop: { cause: { reason: 'HeartbeatMissed' } },
    })
  })

  it('that only says so ends then', () => {
    expect(nextDeadline(seen, limits, created + 40_000)).toMatchObject({
      stop: { cause: { reason: 'TimeoutExceeded' } },
    })
  })
})

describe('the time to start', () => {
  it('is checked again when it is over', () => {
    expect(nextDeadline(observation(), request, created)).toEqual({ at: created + 60_000 })
  })

  it('stops a job that has not started by then as StartTimeout', () => {
    expect(nextDeadline(observation(), request, created + 60_000)).toMatchObject({
      stop: { outcome: 'failed', cause: { reason: 'StartTimeout' } },
    })
  })

  it('begins at the end of the jobs that it waited for, and not before', () => {
    const waiting = { jobs: ['a'], results: [] }
    expect(nextDeadline({ ...observation(), waiting }, request, created + 900_000)).toBeUndefined()
    const begun = { ...observation(), begunAt: created + 900_000 }
    expect(nextDeadline(begun, request, created + 900_000)).toEqual({ at: created + 960_000 })
    expect(nextDeadline(begun, request, created + 960_000)).toMatchObject({
      stop: { cause: { reason: 'StartTimeout', message: expect.stringContaining('`depends_on`') } },
    })
  })

  it('keeps the reason that blocked the start', () => {
    const blocked = { reason: 'ImagePullBackOff', message: 'no such image' } as const
    expect(nextDeadline({ ...observation(), blocked }, request, created + 60_000)).toMatchObject({
      stop: { cause: { reason: 'ImagePullBackOff' } },
    })
  })

  const failed = attempt({ startedAt: created + 1000, finishedAt: created + 200_000 })
  const second = { ...attempt({}), number: 2, createdAt: created + 210_000 }
  it.each([
    ['the failed attempt is followed by another', { ...failed, ended: true }, 1, created + 260_000],
    ['the next attempt waits', second, 1, created + 270_000],
    ['the failed attempt is the last', { ...failed, ended: true }, 0, undefined],
    [
      'the next attempt has started',
      { ...attempt({ startedAt: created + 220_000 }), number: 2 },
      1,
      undefined,
    ],
  ])('restarts at the end of the previous attempt: %s', (_, seen, retries, at) => {
    const limits = { start_timeout_seconds: 60, retries }
    const over = nextDeadline({ ...observation(seen), failedAttempts: 1 }, limits, created + 300_000)
    if (at === undefined) {
      expect(over).toBeUndefined()
      return
    }
    expect(over).toMatchObject({ stop: { cause: { reason: 'StartTimeout' } } })
    expect(nextDeadline({ ...observation(seen), failedAttempts: 1 }, limits, at - 1)).toEqual({ at })
  })

  it('does not run if the end of the previous attempt is unknown', () => {
    expect(nextDeadline({ ...observation(), failedAttempts: 1 }, request, created + 70_000)).toBeUndefined()
  })
})

describe('a disrupted job', () => {
  const disrupted = (uid: string, number: number, started = true): Disruption => {
    return { attempt: uid, number, started, reason: 'Evicted', message: 'drained', at: created }
  }
  const four = ['a', 'b', 'c', 'd'].map((uid, index) => disrupted(uid, index + 1))

  it('continues after three disruptions', () => {
    expect(nextDeadline({ ...observation(), disruptions: four.slice(0, 3) }, request, created)).toEqual({
      at: created + 60_000,
    })
  })

  it('is stopped after the fourth, with the attempt whose end decided it', () => {
    const stop = { outcome: 'failed', attempt: 'd', cause: { reason: 'TooManyDisruptions' } }
    expect(nextDeadline({ ...observation(), disruptions: four }, request, created)).toMatchObject({ stop })
    const next = { ...attempt({}), uid: 'e', number: 5 }
    expect(nextDeadline({ ...observation(next), disruptions: four }, request, created)).toMatchObject({
      stop,
    })
    const last = { ...attempt({ startedAt: created }), uid: 'd', number: 4 }
    expect(
      nextDeadline(
        { ...observation(last), disruptions: four },
        { start_timeout_seconds: 60, retries: 0 },
        created,
      ),
    ).toBeUndefined()
    expect(
      nextDeadline({ ...observation({ ...last, ended: true }), disruptions: four }, request, created),
    ).toMatchObject({ stop })
  })

  it('is stopped at once if a full volume ended its attempt', () => {
    const full = { ...disrupted('a', 1), reason: 'StorageFull' as const, message: 'full' }
    expect(nextDeadline({ ...observation(), disruptions: [full] }, request, created)).toMatchObject({
      stop: { attempt: 'a', cause: { reason: 'StorageFull', message: 'full' } },
    })
  })

  it('keeps its time to start if none of its workers has started yet', () => {
    const second = { ...attempt({}), uid: 'b', number: 2 }
    const disruptions = [disrupted('a', 1, false)]
    expect(nextDeadline({ ...observation(second), disruptions }, request, created)).toEqual({
      at: created + 60_000,
    })
    const started = [{ ...disrupted('a', 1), at: created + 30_000 }]
    expect(nextDeadline({ ...observation(second), disruptions: started }, request, created)).toEqual({
      at: created + 90_000,
    })
  })
})

describe('the time to run', () => {
  const running = attempt({ startedAt: created + 30_000 })

  it("counts from the worker's start", () => {
    expect(nextDeadline(observation(running), request, created + 30_000)).toEqual({ at: created + 42_000 })
    expect(nextDeadline(observation(running), request, created + 42_000)).toMatchObject({
      stop: { outcome: 'failed', cause: { reason: 'TimeoutExceeded' } },
    })
  })

  it.each([
    ['a clock of whole seconds, plus a margin for an end in time that is reported late', 1000, 42_000],
    ['an exact clock', 0, 40_000],
  ])('is over by %s', (_, resolution, over) => {
    const seen = attempt({ startedAt: created + 30_000, resolution })
    expect(nextDeadline(observation(seen), request, created + over - 1)).toEqual({ at: created + over })
    expect(nextDeadline(observation(seen), request, created + over)).toHaveProperty('stop')
  })

  it('restarts with each attempt', () => {
    const second = { ...attempt({ startedAt: created + 100_000 }), number: 2 }
    const seen = { ...observation(second), failedAttempts: 1 }
    expect(nextDeadline(seen, request, created + 105_000)).toEqual({ at: created + 112_000 })
  })

  it('has no end without timeout_seconds', () => {
    expect(
      nextDeadline(observation(running), { start_timeout_seconds: 60, retries: 0 }, created + 10 ** 9),
    ).toBeUndefined()
  })

  it('is over when the worker has ended', () => {
    const ended = attempt({ startedAt: created + 30_000, finishedAt: created + 35_000 })
    expect(nextDeadline(observation(ended), request, created + 10 ** 6)).toBeUndefined()
  })

  it('does not stop a job a second time', () => {
    const stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: created } as const
    expect(nextDeadline({ ...observation(running), stop }, request, created + 10 ** 6)).toBeUndefined()
  })
})

function observation(seen?: Attempt): Observation {
  return { createdAt: created, suspended: false, failedAttempts: 0, ...(seen && { attempt: seen }) }
}
