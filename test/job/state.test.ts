import { describe, expect, it } from 'vitest'
import type { ManifestHead } from '../../src/artifact/manifest.ts'
import type { Attempt, Disruption, Observation, Rescue, Stored } from '../../src/job/observation.ts'
import { assess } from '../../src/job/state.ts'
import { attempt as attemptOf } from '../support/attempt.ts'

const second = 1000
const created = Date.parse('2026-01-01T00:00:00Z')
/** The worker's end as Kubernetes gives it: in whole seconds. */
const finished = created + 60 * second

describe('a job without a pod', () => {
  it('is queued, with what keeps its pod from being created', () => {
    const blocked = { reason: 'QuotaExceeded', message: 'exceeded quota: pods' } as const
    expect(assess(observation({ blocked }), undefined, 0)).toMatchObject({ state: 'queued', cause: blocked })
  })

  it('is queued as Suspended where somebody suspended it', () => {
    expect(assess(observation({ suspended: true }), undefined, 0)).toMatchObject({
      state: 'queued',
      cause: { reason: 'Suspended' },
    })
  })

  it('is canceled without results where it was stopped before it had a pod', () => {
    expect(assess(observation({ stop: canceled(created) }), 'none', 0)).toMatchObject({
      state: 'canceled',
      result: { state: 'missing' },
    })
  })

  it('asks the store where it was stopped: its pod may have come and gone unseen', () => {
    const seen = observation({ stop: canceled(created), deletedAt: created })
    expect(assess(seen, undefined, 0).awaitsManifest).toBe(true)
    expect(assess(seen, head({ checkpoint: 2 }), 0)).toMatchObject({
      state: 'canceled',
      result: { state: 'partial' },
    })
  })

  it('has failed as PodDeleted where its Job ended and its pod went unseen, and keeps the results', () => {
    const seen = observation({ ended: { at: finished } })
    expect(assess(seen, undefined, 0).awaitsManifest).toBe(true)
    expect(assess(seen, head(), 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'PodDeleted' },
      result: { state: 'partial', count: 1 },
    })
  })

  it('waits for the store where an earlier pod is gone and may have left results', () => {
    const ended = { at: finished, cause: { reason: 'PodDeleted', message: 'deleted' } } as const
    const seen = observation({ ended, failedAttempts: 1 })
    expect(assess(seen, undefined, 0).awaitsManifest).toBe(true)
    expect(assess(seen, head({ checkpoint: 2 }), 0)).toMatchObject({
      state: 'failed',
      cause: { reason: 'PodDeleted' },
      result: { state: 'partial' },
    })
  })

  it('has failed as JobDeleted where somebody deleted its Job', () => {
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

  it('names what keeps its worker from starting', () => {
    const blocked = { reason: 'ImagePullBackOff', message: 'no such image' } as const
    const seen = observation({ blocked, attempt: attempt({ worker: { restarts: 0, resolution: 1000 } }) })
    expect(assess(seen, undefined, 0)).toMatchObject({ state: 'preparing', cause: blocked })
  })

  it('does not take a manifest of its running worker for the result', () => {
    const seen = observation({
      attempt: attempt({ worker: { restarts: 0, resolution: 1000, startedAt: created } }),
    })
    expect(assess(seen, head(), 0).state).toBe('running')
  })
})

describe('a job whose worker exited 0', () => {
  it('is storing until the store has an answer', () => {
    expect(assess(observation({ attempt: attempt() }), undefined, 0)).toMatchObject({
      state: 'storing',
      awaitsManifest: true,
    })
  })

  it('has succeeded with a manifest whose scan began in a later second than the one it ended in', () => {
    expect(outcome(attempt(), head({ scan: finished + second }))).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 1, bytes: 5 },
    })
  })

  it('has succeeded with a scan in the very second of its end only once its uploader has ended without a restart', () => {
    const scan = finished + 500
    expect(outcome(attempt(), head({ scan }))).toMatchObject({ state: 'storing' })
    const uploader = { ready: true, resolution: 1000, restarts: 0, finishedAt: finished + second }
    expect(outcome(attempt({ uploader }), head({ scan }))).toMatchObject({ state: 'succeeded' })
    expect(
      outcome(attempt({ uploader: { ...uploader, restarts: 1 }, ended: true }), head({ scan })),
    ).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadInterrupted' },
    })
  })

  it("has succeeded with a scan in the very second of its end where that is its restarted uploader's last run", () => {
    const uploader = { ready: true, resolution: 1000, restarts: 2, finishedAt: finished + second }
    const outcomeOf = (startedAt: number) =>
      outcome(attempt({ uploader: { ...uploader, startedAt }, ended: true }), head({ scan: finished + 500 }))
    expect(outcomeOf(finished - second)).toMatchObject({ state: 'succeeded' })
    expect(outcomeOf(finished)).toMatchObject({ state: 'failed', cause: { reason: 'UploadInterrupted' } })
  })

  it('needs no such second look where the times are exact', () => {
    const worker = { startedAt: created, finishedAt: finished, exitCode: 0, restarts: 0, resolution: 0 }
    expect(outcome(attempt({ worker }), head({ scan: finished }))).toMatchObject({ state: 'succeeded' })
  })

  it('is not done with a manifest of before its end while an uploader may still write another', () => {
    expect(outcome(attempt(), head({ scan: finished - second }))).toMatchObject({ state: 'storing' })
    expect(outcome(attempt({ ended: true }), head({ scan: finished - second }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadInterrupted' },
      result: { state: 'partial' },
    })
  })

  it('has succeeded with a partial result where a file could not be read', () => {
    expect(outcome(attempt(), head({ errors: 1 }))).toMatchObject({
      state: 'succeeded',
      result: { state: 'partial' },
    })
  })

  it('has failed as UploadInterrupted where everything ended without a manifest', () => {
    expect(outcome(attempt({ ended: true }), 'none')).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadInterrupted' },
      result: { state: 'missing' },
    })
  })

  it("has failed for the uploader's own reason where it left one", () => {
    const message = JSON.stringify({ reason: 'UploadTimeout', message: '12 of 40 files after 3600 s' })
    const uploader = { ready: true, resolution: 1000, restarts: 0, finishedAt: finished + second, message }
    expect(outcome(attempt({ uploader, ended: true }), head({ checkpoint: 3 }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadTimeout', message: '12 of 40 files after 3600 s' },
      result: { state: 'partial' },
    })
  })

  it('has failed as Interrupted where an eviction had begun before it ended', () => {
    const interrupted = { reason: 'Evicted', message: 'evicted: memory', at: finished - second } as const
    expect(outcome(attempt({ interrupted }), head({ stopSeen: true }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
      result: { state: 'partial' },
    })
  })

  it('has failed as PodDeleted where a person deleted its pod before it ended', () => {
    const interrupted = { reason: 'PodDeleted', message: 'somebody deleted the pod', at: finished } as const
    expect(outcome(attempt({ interrupted }), head())).toMatchObject({ cause: { reason: 'PodDeleted' } })
  })

  it('has failed as Interrupted where the uploader heard of a stop that nothing else shows', () => {
    expect(outcome(attempt({ ended: true }), head({ stopSeen: true }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
    })
  })

  it('has succeeded although somebody deleted its pod after it had ended', () => {
    const interrupted = { reason: 'PodDeleted', message: 'deleted', at: finished + 5 * second } as const
    expect(outcome(attempt({ interrupted }), head())).toMatchObject({ state: 'succeeded' })
  })

  it('has succeeded although it was canceled, where the cancellation came after its complete manifest', () => {
    const seen = observation({ attempt: attempt(), stop: canceled(finished + 5 * second) })
    expect(assess(seen, head(), 0)).toMatchObject({ state: 'succeeded' })
  })

  it('is canceled where the stop reached the uploader before its manifest', () => {
    const seen = observation({ attempt: attempt({ ended: true }), stop: canceled(finished + 5 * second) })
    expect(assess(seen, head({ checkpoint: 4 }), 0)).toMatchObject({
      state: 'canceled',
      cause: { reason: 'Canceled' },
      result: { state: 'partial' },
    })
  })
})

describe('a job whose worker failed', () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 1, restarts: 0, resolution: 1000 }

  it('has failed with its exit code, and what it left is a partial result', () => {
    const done = outcome(attempt({ worker, ended: true }), head())
    expect(done).toMatchObject({ state: 'failed', cause: { reason: 'Error' }, result: { state: 'partial' } })
    expect(done.cause?.message).toContain('code 1')
  })

  it('waits for the end of its attempt, which may show that it was evicted', () => {
    expect(outcome(attempt({ worker }), head())).toMatchObject({ state: 'storing' })
    expect(outcome(attempt(), head({ stopSeen: true }))).toMatchObject({ state: 'storing' })
  })

  it("has failed for Kubernetes' own reason where there is one", () => {
    const cause = { reason: 'OOMKilled', message: 'memory limit 64Mi' } as const
    expect(outcome(attempt({ worker: { ...worker, exitCode: 137, cause } }), head())).toMatchObject({
      cause: { reason: 'OOMKilled' },
    })
  })

  it('is queued again as long as a retry follows', () => {
    const seen = observation({ attempt: attempt({ worker, ended: true }) })
    expect(assess(seen, head(), 1)).toMatchObject({ state: 'queued', cause: { reason: 'Error' } })
    const ended = { at: finished }
    const last = observation({
      attempt: attempt({ worker, number: 2, ended: true }),
      failedAttempts: 1,
      ended,
    })
    expect(assess(last, head(), 1)).toMatchObject({ state: 'failed' })
  })

  it('is canceled where it was told to stop while it ran', () => {
    const seen = observation({ attempt: attempt({ worker }), stop: canceled(finished - second) })
    expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({ state: 'canceled' })
  })

  it('is canceled where its uploader heard of the stop, whatever the clocks say of its time', () => {
    const seen = observation({ attempt: attempt(), stop: canceled(finished + 5 * second) })
    expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({ state: 'canceled' })
    expect(assess(seen, head(), 0)).toMatchObject({ state: 'succeeded' })
  })

  it('says as well that its results could not be stored', () => {
    const done = outcome(attempt({ worker, ended: true }), 'none')
    expect(done.cause?.message).toMatch(/code 1.*UploadInterrupted/)
  })
})

describe('a job whose attempt was disrupted', () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 143, restarts: 0, resolution: 1000 }
  const interrupted = { reason: 'Evicted', message: 'drained', at: finished - second } as const
  const ended = (uid: string, number: number) => attempt({ uid, number, worker, interrupted, ended: true })

  it('is queued as long as another attempt follows, and says which', () => {
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

  it('has failed as TooManyDisruptions after three further attempts, and names them', () => {
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

  it('has failed at once where another attempt would end the same way', () => {
    const full = { reason: 'StorageFull', message: 'exceeds the limit "1Mi"' } as const
    const seen = observation({
      attempt: attempt({ worker, interrupted: { ...full, at: finished }, ended: true }),
      disruptions: [{ ...disruption('a', 1), ...full }],
    })
    expect(assess(seen, 'none', 0)).toMatchObject({ state: 'failed', cause: full })
  })

  it('has failed as Interrupted where its worker exited 0 and its backend starts no other attempt', () => {
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

  it('has succeeded where its results were whole before, whatever its backend starts then', () => {
    const late = { ...interrupted, at: finished + 5 * second }
    const seen = observation({
      attempt: attempt({ interrupted: late, ended: true }),
      disruptions: [disruption('a', 1)],
    })
    expect(assess(seen, head(), 0).state).toBe('succeeded')
    const stop = { ...canceled(finished + 6 * second), outcome: 'failed' as const, attempt: 'a' }
    expect(assess({ ...seen, stop }, head(), 0).state).toBe('succeeded')
  })

  it("does not count disruptions among the failures of the worker's own", () => {
    const own = attempt({ uid: 'b', number: 2, worker, ended: true })
    const seen = observation({ attempt: own, failedAttempts: 1, disruptions: [disruption('a', 1)] })
    expect(assess(seen, head(), 1)).toMatchObject({
      state: 'queued',
      cause: { message: expect.stringContaining('attempt 3 follows') },
    })
    expect(assess(seen, head(), 0).state).toBe('failed')
  })
})

describe('a job whose pod ended before its worker had started', () => {
  it("has failed for the uploader's reason, without results", () => {
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

describe('a job whose uploader was ended, its results on a volume claim', () => {
  const over = attempt({ ended: true })
  const assessed = (rescue: Rescue, stored: Stored | undefined, changes: Partial<Observation> = {}) =>
    assess(observation({ attempt: over, rescue, ended: { at: finished }, ...changes }), stored, 0)

  it('waits for its rescue, also where the store has something that does not cover the end', () => {
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

  it('has succeeded as soon as its manifest is there', () => {
    for (const state of ['possible', 'running', 'over'] as const) {
      expect(assessed({ state }, head())).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
    }
  })

  it('has failed where its rescue has, with what the checkpoints say', () => {
    const after = assessed({ state: 'over', message: 'UploadTimeout: late' }, head({ checkpoint: 2 }))
    expect(after).toMatchObject({ state: 'failed', result: { state: 'partial' } })
    expect(after.cause).toEqual({
      reason: 'UploadInterrupted',
      message: expect.stringMatching(/rescue.* failed: UploadTimeout: late/),
    })
  })

  it('is canceled once its rescue writes no more', () => {
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

it('never succeeds where its Job was deleted before its worker had ended, though no hook was heard', () => {
  const seen = observation({
    attempt: attempt({ ended: true }),
    deletedAt: finished - second,
    ended: { at: 0 },
  })
  expect(assess(seen, head(), 0)).toMatchObject({ state: 'failed', cause: { reason: 'JobDeleted' } })
})

it("takes a stop's own deletion of the Job, whose time is rounded down, for nobody else's", () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 3, restarts: 0, resolution: 1000 }
  const stop = canceled(finished + second + 100)
  const seen = observation({ attempt: attempt({ worker, ended: true }), stop, deletedAt: finished + second })
  expect(assess(seen, head(), 0)).toMatchObject({ state: 'failed', cause: { reason: 'Error' } })
  const succeeded = { ...seen, attempt: attempt({ ended: true }) }
  expect(assess(succeeded, head(), 0)).toMatchObject({ state: 'succeeded' })
})

it('names the deletion of a pod whose uploader heard of it, though it came after the worker had ended', () => {
  const interrupted = {
    reason: 'PodDeleted',
    message: 'somebody deleted the pod',
    at: finished + 3 * second,
  } as const
  const seen = observation({ attempt: attempt({ ended: true, interrupted }) })
  expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({
    state: 'failed',
    cause: { reason: 'PodDeleted' },
  })
})

it('decides nothing by an attempt that failed while a later one may not have been seen yet', () => {
  const worker = { startedAt: created, finishedAt: finished, exitCode: 1, restarts: 0, resolution: 1000 }
  const seen = { attempt: attempt({ worker, ended: true }), ended: { at: finished } }
  expect(assess(observation({ ...seen, incomplete: true }), head(), 1).state).toBe('storing')
  expect(assess(observation(seen), head(), 1).state).toBe('failed')
  expect(assess(observation({ ended: { at: finished }, incomplete: true }), 'none', 0).state).toBe('queued')
})

it('hides a job from the moment its deletion is decided', () => {
  const stop = { ...canceled(created), outcome: 'deleted' as const }
  expect(assess(observation({ stop, attempt: attempt() }), undefined, 0).deleted).toBe(true)
})

function outcome(seen: Attempt, stored: Stored | undefined) {
  return assess(observation({ attempt: seen }), stored, 0)
}

function stateOf(seen: Attempt) {
  return outcome(seen, undefined).state
}

function observation(changes: Partial<Observation> = {}): Observation {
  return { createdAt: created, suspended: false, failedAttempts: 0, ...changes }
}

/** One whose worker has ended well. */
function attempt(changes: Partial<Attempt> = {}): Attempt {
  return attemptOf({ startedAt: created, finishedAt: finished, exitCode: 0 }, changes)
}

function disruption(uid: string, number: number): Disruption {
  return { attempt: uid, number, started: true, reason: 'Evicted', message: 'drained', at: finished }
}

function canceled(at: number) {
  return { outcome: 'canceled' as const, cause: { reason: 'Canceled' as const, message: 'by request' }, at }
}

function head(
  changes: { scan?: number; stopSeen?: boolean; errors?: number; checkpoint?: number } = {},
): ManifestHead {
  const scan = changes.scan ?? finished + 2 * second
  return {
    version: 1,
    job: 'j',
    attempt: 'a',
    scan_started_at: new Date(scan).toISOString(),
    ...(changes.stopSeen && { stop_seen_at: new Date(finished - second).toISOString() }),
    count: 1,
    bytes: 5,
    errors: changes.errors ?? 0,
    ...(changes.checkpoint !== undefined && { checkpoint: changes.checkpoint }),
  }
}
