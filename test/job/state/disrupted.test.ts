import { describe, expect, it } from 'vitest'
import type { Observation, Rescue, Stored } from '../../../src/job/state/observation.ts'
import { assess } from '../../../src/job/state/state.ts'
import {
  attempt,
  canceled,
  created,
  disruption,
  finished,
  head,
  observation,
  second,
} from './observations.ts'

describe('a job whose attempt was disrupted', () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 143, restarts: 0, resolution: 1000 }
  const interrupted = { reason: 'Evicted', message: 'drained', at: finished - second } as const
  const ended = (uid: string, number: number) => attempt({ uid, number, worker, interrupted, ended: true })

  it('is queued as long as another attempt follows, with its number', () => {
    const seen = observation({ attempt: ended('a', 1), disruptions: [disruption('a', 1)] })
    expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({
      state: 'queued',
      cause: { reason: 'Evicted', message: 'attempt 1 was interrupted (drained); attempt 2 follows' },
    })
    const gone = observation({ disruptions: [disruption('a', 1)] })
    expect(assess(gone, undefined, 0)).toMatchObject({ state: 'queued', cause: { reason: 'Evicted' } })
    const next = attempt({ uid: 'b', number: 2, worker: { restarts: 0, resolution: 1000 } })
    expect(
      assess(observation({ attempt: next, disruptions: [disruption('a', 1)] }), 'none', 0),
    ).toMatchObject({
      state: 'preparing',
      cause: { reason: 'Evicted', message: expect.stringContaining('attempt 2') },
    })
  })

  it('has failed as TooManyDisruptions after three further attempts, with a list of them', () => {
    const disruptions = ['a', 'b', 'c', 'd'].map((uid, index) => disruption(uid, index + 1))
    const third = observation({ attempt: ended('c', 3), disruptions: disruptions.slice(0, 3) })
    expect(assess(third, 'none', 0).state).toBe('queued')
    const done = assess(observation({ attempt: ended('d', 4), disruptions }), head({ stopSeen: true }), 0)
    expect(done).toMatchObject({
      state: 'failed',
      cause: { reason: 'TooManyDisruptions' },
      result: { state: 'partial' },
    })
    expect(done.cause?.message).toMatch(/attempt 1 at 2026-01-01T00:01:00.*attempt 4 at /)
  })

  it('has failed at once if another attempt would end the same way', () => {
    const full = { reason: 'StorageFull', message: 'exceeds the limit "1Mi"' } as const
    const seen = observation({
      attempt: attempt({ worker, interrupted: { ...full, at: finished }, ended: true }),
      disruptions: [{ ...disruption('a', 1), ...full }],
    })
    expect(assess(seen, 'none', 0)).toMatchObject({ state: 'failed', cause: full })
  })

  it('has failed as Interrupted if its worker exited 0 and its backend starts no other attempt', () => {
    const obeyed = attempt({ interrupted, ended: true })
    const disruptions = [disruption('a', 1)]
    const seen = observation({ attempt: obeyed, disruptions, ended: { at: finished } })
    expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
      result: { state: 'partial' },
    })
    expect(assess(observation({ attempt: obeyed, disruptions }), head({ stopSeen: true }), 0).state).toBe(
      'queued',
    )
  })

  it('has succeeded if its results were complete before, even if its backend starts another attempt', () => {
    const late = { ...interrupted, at: finished + 5 * second }
    const seen = observation({
      attempt: attempt({ interrupted: late, ended: true }),
      disruptions: [disruption('a', 1)],
    })
    expect(assess(seen, head(), 0).state).toBe('succeeded')
    const stop = { ...canceled(finished + 6 * second), outcome: 'failed' as const, attempt: 'a' }
    expect(assess({ ...seen, stop }, head(), 0).state).toBe('succeeded')
  })

  it('does not count disruptions as failures of the worker', () => {
    const own = attempt({ uid: 'b', number: 2, worker, ended: true })
    const seen = observation({ attempt: own, failedAttempts: 1, disruptions: [disruption('a', 1)] })
    expect(assess(seen, head(), 1)).toMatchObject({
      state: 'queued',
      cause: { message: expect.stringContaining('attempt 3 follows') },
    })
    expect(assess(seen, head(), 0).state).toBe('failed')
  })
})

describe('a job with its results on a volume claim, whose uploader was ended', () => {
  const over = attempt({ ended: true })
  const assessed = (rescue: Rescue, stored: Stored | undefined, changes: Partial<Observation> = {}) =>
    assess(observation({ attempt: over, rescue, ended: { at: finished }, ...changes }), stored, 0)

  it('awaits its rescue, even with a manifest from before its end', () => {
    for (const state of ['possible', 'running'] as const) {
      for (const stored of [undefined, head({ scan: finished - second })]) {
        expect(assessed({ state }, stored)).toMatchObject({ state: 'storing', awaitsManifest: true })
      }
    }
    expect(assessed({ state: 'running', message: 'no node' }, undefined).cause).toEqual({
      reason: 'UploadInterrupted',
      message: expect.stringMatching(/rescue.*; no node/),
    })
  })

  it('has succeeded as soon as its manifest is stored', () => {
    for (const state of ['possible', 'running', 'over'] as const) {
      expect(assessed({ state }, head())).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    }
  })

  it("has failed if its rescue has failed, with the checkpoints' result", () => {
    const after = assessed({ state: 'over', message: 'UploadTimeout: late' }, head({ checkpoint: 2 }))
    expect(after).toMatchObject({ state: 'failed', result: { state: 'partial' } })
    expect(after.cause).toEqual({
      reason: 'UploadInterrupted',
      message: expect.stringMatching(/rescue.* failed: UploadTimeout: late/),
    })
  })

  it('is canceled once its rescue has ended', () => {
    const stop = canceled(finished + 60 * second)
    expect(assessed({ state: 'running' }, undefined, { stop })).toMatchObject({
      state: 'storing',
      cause: { reason: 'Canceled' },
    })
    expect(assess(observation({ attempt: over, stop }), head({ checkpoint: 2 }), 0)).toMatchObject({
      state: 'canceled',
      result: { state: 'partial' },
    })
  })
})
