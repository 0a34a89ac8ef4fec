import { describe, expect, it } from 'vitest'
import { assess } from '../../../src/job/state/state.ts'
import { attempt, canceled, created, finished, head, observation, outcome, second } from './observations.ts'

describe('a job whose worker exited 0', () => {
  it('is storing until the store has an answer', () => {
    expect(assess(observation({ attempt: attempt() }), undefined, 0)).toMatchObject({
      state: 'storing',
      awaitsManifest: true,
    })
  })

  it('has succeeded with a manifest whose scan began in a later second than its end', () => {
    expect(outcome(attempt(), head({ scan: finished + second }))).toMatchObject({
      state: 'succeeded',
      result: { state: 'complete', count: 1, bytes: 5 },
    })
  })

  it('has succeeded with a scan in the second of its end only after its uploader ended without a restart', () => {
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

  it("has succeeded with a scan in the second of its end if the scan is of its restarted uploader's last run", () => {
    const uploader = { ready: true, resolution: 1000, restarts: 2, finishedAt: finished + second }
    const outcomeOf = (startedAt: number) =>
      outcome(attempt({ uploader: { ...uploader, startedAt }, ended: true }), head({ scan: finished + 500 }))
    expect(outcomeOf(finished - second)).toMatchObject({ state: 'succeeded' })
    expect(outcomeOf(finished)).toMatchObject({ state: 'failed', cause: { reason: 'UploadInterrupted' } })
  })

  it('has succeeded with a scan at its end if the times are exact', () => {
    const worker = { startedAt: created, finishedAt: finished, exitCode: 0, restarts: 0, resolution: 0 }
    expect(outcome(attempt({ worker }), head({ scan: finished }))).toMatchObject({ state: 'succeeded' })
  })

  it('is storing with a manifest from before its end while an uploader may still write another', () => {
    expect(outcome(attempt(), head({ scan: finished - second }))).toMatchObject({ state: 'storing' })
    expect(outcome(attempt({ ended: true }), head({ scan: finished - second }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadInterrupted' },
      result: { state: 'partial' },
    })
  })

  it('names volume claims only where the backend has them, if its uploader was ended', () => {
    const told = (withoutClaims: boolean) =>
      assess(
        observation({ attempt: attempt({ ended: true }), ...(withoutClaims && { withoutClaims }) }),
        head({ scan: finished - second }),
        0,
      ).cause?.message
    expect(told(false)).toMatch(/volume claim \(`result_storage_class`\)/)
    expect(told(true)).toMatch(/is kept\. For the rest deploy the job again$/)
  })

  it('has succeeded with a partial result if a file could not be read', () => {
    expect(outcome(attempt(), head({ errors: 1 }))).toMatchObject({
      state: 'succeeded',
      cause: { reason: 'FilesLeftOut' },
      result: { state: 'partial' },
    })
  })

  it("has failed as StorageFull, for good, if its result reached the operator's limit", () => {
    const limits_reached = [{ name: 'RESULT_MAX_BYTES', value: 10, left_out: 1, first: '"big"' } as const]
    const stored = { ...head({ errors: 1 }), limits_reached }
    for (const retries of [0, 3])
      expect(assess(observation({ attempt: attempt() }), stored, retries)).toMatchObject({
        state: 'failed',
        cause: { reason: 'StorageFull', message: expect.stringContaining('RESULT_MAX_BYTES (10 bytes)') },
        result: { state: 'partial' },
      })
  })

  it('has failed as UploadInterrupted if its attempt ended without a manifest', () => {
    expect(outcome(attempt({ ended: true }), 'none')).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadInterrupted' },
      result: { state: 'missing' },
    })
  })

  it("has failed with the uploader's own reason if its message has one", () => {
    const message = JSON.stringify({ reason: 'UploadTimeout', message: '12 of 40 files after 3600 s' })
    const uploader = { ready: true, resolution: 1000, restarts: 0, finishedAt: finished + second, message }
    expect(outcome(attempt({ uploader, ended: true }), head({ checkpoint: 3 }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'UploadTimeout', message: '12 of 40 files after 3600 s' },
      result: { state: 'partial' },
    })
  })

  it('has failed as Interrupted if an eviction had begun before it ended', () => {
    const interrupted = { reason: 'Evicted', message: 'evicted: memory', at: finished - second } as const
    expect(outcome(attempt({ interrupted }), head({ stopSeen: true }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
      result: { state: 'partial' },
    })
  })

  it('has failed as PodDeleted if another client deleted its pod before it ended', () => {
    const interrupted = {
      reason: 'PodDeleted',
      message: 'the pod was deleted in the cluster',
      at: finished,
    } as const
    expect(outcome(attempt({ interrupted }), head())).toMatchObject({ cause: { reason: 'PodDeleted' } })
  })

  it('has failed as Interrupted if only the manifest shows that the uploader was notified of a stop', () => {
    expect(outcome(attempt({ ended: true }), head({ stopSeen: true }))).toMatchObject({
      state: 'failed',
      cause: { reason: 'Interrupted' },
    })
  })

  it('has succeeded if another client deleted its pod only after it had ended', () => {
    const interrupted = { reason: 'PodDeleted', message: 'deleted', at: finished + 5 * second } as const
    expect(outcome(attempt({ interrupted }), head())).toMatchObject({ state: 'succeeded' })
  })

  it('has succeeded if it was canceled only after its complete manifest', () => {
    const seen = observation({ attempt: attempt(), stop: canceled(finished + 5 * second) })
    expect(assess(seen, head(), 0)).toMatchObject({ state: 'succeeded' })
  })

  it('is canceled if the stop reached the uploader before its manifest', () => {
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

  it('has failed with its exit code and a partial result', () => {
    const done = outcome(attempt({ worker, ended: true }), head())
    expect(done).toMatchObject({ state: 'failed', cause: { reason: 'Error' }, result: { state: 'partial' } })
    expect(done.cause?.message).toContain('code 1')
  })

  it('awaits the end of its attempt, which may show an eviction', () => {
    expect(outcome(attempt({ worker }), head())).toMatchObject({ state: 'storing' })
    expect(outcome(attempt(), head({ stopSeen: true }))).toMatchObject({ state: 'storing' })
  })

  it("has failed with Kubernetes' reason if it has one", () => {
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

  it('is canceled if it was stopped while it ran', () => {
    const seen = observation({ attempt: attempt({ worker }), stop: canceled(finished - second) })
    expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({ state: 'canceled' })
  })

  it('is canceled if its uploader was notified of the stop, independent of the clocks', () => {
    const seen = observation({ attempt: attempt(), stop: canceled(finished + 5 * second) })
    expect(assess(seen, head({ stopSeen: true }), 0)).toMatchObject({ state: 'canceled' })
    expect(assess(seen, head(), 0)).toMatchObject({ state: 'succeeded' })
  })

  it('has a message that also names the interrupted upload', () => {
    const done = outcome(attempt({ worker, ended: true }), 'none')
    expect(done.cause?.message).toMatch(/code 1.*UploadInterrupted/)
  })
})
