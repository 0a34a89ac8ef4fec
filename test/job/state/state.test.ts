import { describe, expect, it } from 'vitest'
import { assess } from '../../../src/job/state/state.ts'
import {
  attempt,
  canceled,
  created,
  finished,
  head,
  observation,
  outcome,
  second,
  stateOf,
} from './observations.ts'

describe('a job without a pod', () => {
  it('is queued, with the reason that blocks the creation of its pod', () => {
    const blocked = { reason: 'QuotaExceeded', message: 'exceeded quota: pods' } as const
    expect(assess(observation({ blocked }), undefined, 0)).toMatchObject({ state: 'queued', cause: blocked })
  })

  it('is queued as Suspended if its Job is suspended', () => {
    expect(assess(observation({ suspended: true }), undefined, 0)).toMatchObject({
      state: 'queued',
      cause: { reason: 'Suspended' },
    })
  })

  it('is canceled without results if it was stopped before it had a pod', () => {
    expect(assess(observation({ stop: canceled(created) }), 'none', 0)).toMatchObject({
      state: 'canceled',
      result: { state: 'missing' },
    })
  })

  it('awaits the manifest if it was stopped: a pod may have run unseen', () => {
    const seen = observation({ stop: canceled(created), deletedAt: created })
    expect(assess(seen, undefined, 0).awaitsManifest).toBe(true)
    expect(assess(seen, head({ checkpoint: 2 }), 0)).toMatchObject({
      state: 'canceled',
      result: { state: 'partial' },
    })
  })

  it('has failed as PodDeleted if its Job ended and its pod went unseen, and keeps the results', () => {
    const seen = observation({ ended: { at: finished } })
    expect(assess(seen, undefined, 0).awaitsManifest).toBe(true)
    expect(assess(seen, head(), 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'PodDeleted' },
      result: { state: 'partial', count: 1 },
    })
  })

  it('awaits the manifest if an earlier pod is gone and may have left results', () => {
    const ended = { at: finished, cause: { reason: 'PodDeleted', message: 'deleted' } } as const
    const seen = observation({ ended, failedAttempts: 1 })
    expect(assess(seen, undefined, 0).awaitsManifest).toBe(true)
    expect(assess(seen, head({ checkpoint: 2 }), 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'PodDeleted' },
      result: { state: 'partial' },
    })
  })

  it('has failed as JobDeleted if another client deleted its Job', () => {
    expect(assess(observation({ deletedAt: finished }), 'none', 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'JobDeleted' },
    })
  })
})

describe('a job whose worker has not ended', () => {
  it('is queued until its pod has a node, then preparing, then running', () => {
    const waiting = { worker: { restarts: 0, resolution: 1000 } }
    expect(stateOf(attempt({ ...waiting, scheduled: false }))).toBe('queued')
    expect(stateOf(attempt(waiting))).toBe('preparing')
    expect(stateOf(attempt({ worker: { restarts: 0, resolution: 1000, startedAt: created } }))).toBe(
      'running',
    )
  })

  it('shows the reason that blocks its worker', () => {
    const blocked = { reason: 'ImagePullBackOff', message: 'no such image' } as const
    const seen = observation({ blocked, attempt: attempt({ worker: { restarts: 0, resolution: 1000 } }) })
    expect(assess(seen, undefined, 0)).toMatchObject({ state: 'preparing', cause: blocked })
  })

  it('does not treat a manifest as the result while its worker runs', () => {
    const seen = observation({
      attempt: attempt({ worker: { restarts: 0, resolution: 1000, startedAt: created } }),
    })
    expect(assess(seen, head(), 0).state).toBe('running')
  })
})

describe('a job whose pod ended before its worker had started', () => {
  it("has failed with the uploader's reason, without results", () => {
    const message = JSON.stringify({ reason: 'StoreUnavailable', message: 'connection refused' })
    const uploader = { ready: false, resolution: 1000, restarts: 0, finishedAt: finished, message }
    const seen = attempt({ worker: { restarts: 0, resolution: 1000 }, uploader, ended: true })
    expect(outcome(seen, undefined)).toMatchObject({
      state: 'failed',
      cause: { reason: 'StoreUnavailable' },
      result: { state: 'missing' },
    })
  })
})

it('has failed if its Job was deleted before its worker ended, even if the uploader was not notified', () => {
  const seen = observation({
    attempt: attempt({ ended: true }),
    deletedAt: finished - second,
    ended: { at: 0 },
  })
  expect(assess(seen, head(), 0)).toMatchObject({ state: 'failed', cause: { reason: 'JobDeleted' } })
})

it("does not show a stop's own deletion of the Job as JobDeleted, although its rounded time is earlier", () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 3, restarts: 0, resolution: 1000 }
  const stop = canceled(finished + second + 100)
  const seen = observation({ attempt: attempt({ worker, ended: true }), stop, deletedAt: finished + second })
  expect(assess(seen, head(), 0)).toMatchObject({ state: 'failed', cause: { reason: 'Error' } })
  const succeeded = { ...seen, attempt: attempt({ ended: true }) }
  expect(assess(succeeded, head(), 0)).toMatchObject({ state: 'succeeded' })
})

it("has failed as PodDeleted after its worker's end if the uploader was notified of the deletion", () => {
  const interrupted = {
    reason: 'PodDeleted',
    message: 'the pod was deleted in the cluster',
    at: finished + 3 * second,
  } as const
  const seen = observation({ attempt: attempt({ ended: true, interrupted }) })
  expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({
    state: 'failed',
    cause: { reason: 'PodDeleted' },
  })
})

it('is not decided by a failed attempt while a later attempt may be unseen', () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 1, restarts: 0, resolution: 1000 }
  const seen = { attempt: attempt({ worker, ended: true }), ended: { at: finished } }
  expect(assess(observation({ ...seen, incomplete: true }), head(), 1).state).toBe('storing')
  expect(assess(observation(seen), head(), 1).state).toBe('failed')
  expect(assess(observation({ ended: { at: finished }, incomplete: true }), 'none', 0).state).toBe('queued')
})

it('is hidden as soon as its deletion is decided', () => {
  const stop = { ...canceled(created), outcome: 'deleted' as const }
  expect(assess(observation({ stop, attempt: attempt() }), undefined, 0).deleted).toBe(true)
})
