import { describe, expect, it } from 'vitest'
import { nextDeadline } from '../../../src/job/state/deadlines.ts'
import type { Attempt, StepObservation } from '../../../src/job/state/observation.ts'
import { heartbeatStop } from '../../../src/job/word/heartbeat.ts'
import { attempt } from '../../support/api/attempt.ts'

const start = 1_000_000
const silentFor = (silentSeconds: number, at: number) => ({ word: {}, at, silentSeconds })
const running = attempt({ startedAt: start, resolution: 0 })

function stopOf(seen: Attempt, heard: Parameters<typeof heartbeatStop>[1], seconds: number | undefined = 60) {
  return heartbeatStop(seen, heard, seconds, start + 500_000)
}

describe('a running program', () => {
  it('that its uploader has seen silent for the time fails', () => {
    const stop = stopOf(running, silentFor(60, start + 100_000))
    expect(stop).toMatchObject({ outcome: 'failed', cause: { reason: 'HeartbeatMissed' } })
    expect(stop?.cause.message).toContain('the worker wrote no file in JOBFERRY_DIRECTORY for 60 s')
  })

  it('that was silent for a shorter time goes on, however long the API was away', () => {
    expect(stopOf(running, silentFor(59, start + 100_000))).toBeUndefined()
  })

  it('goes on while its uploader says nothing of silence', () => {
    expect(stopOf(running, { word: { percent: 1 }, at: start + 100_000 })).toBeUndefined()
    expect(stopOf(running, undefined)).toBeUndefined()
  })

  it('goes on without `heartbeat_seconds`', () => {
    expect(heartbeatStop(running, silentFor(600, start + 900_000), undefined, start)).toBeUndefined()
  })
})

describe('the time before the program ran', () => {
  it('does not count: its image was pulled, or inputs were fetched', () => {
    expect(stopOf(running, silentFor(3600, start + 59_000))).toBeUndefined()
    expect(stopOf(running, silentFor(3600, start + 60_000))).toBeDefined()
  })

  it('ends with its start, which Kubernetes may report a second too early', () => {
    const seen = { ...running, worker: { ...running.worker, resolution: 1000 } }
    expect(stopOf(seen, silentFor(3600, start + 60_500))).toBeUndefined()
    expect(stopOf(seen, silentFor(3600, start + 61_000))).toBeDefined()
  })
})

it.each([
  ['has not started', attempt({})],
  ['has ended, and is stored', attempt({ startedAt: start, finishedAt: start + 1000 })],
])('a worker that %s misses no heartbeat', (_, seen) => {
  expect(stopOf(seen, silentFor(3600, start + 400_000))).toBeUndefined()
})

describe('a step', () => {
  const withSteps = (...steps: StepObservation[]): Attempt => ({ ...running, steps })
  const first = { name: 'first', startedAt: start, finishedAt: start + 100_000 }

  it('has its own time, from its own start', () => {
    const seen = withSteps(first, { name: 'second', startedAt: start + 150_000 })
    expect(stopOf(seen, silentFor(200, start + 209_000))).toBeUndefined()
    expect(stopOf(seen, silentFor(200, start + 210_000))?.cause.message).toContain('the step `second`')
  })

  it('that is awaited, since its image is pulled, misses none', () => {
    expect(stopOf(withSteps(first, { name: 'second' }), silentFor(3600, start + 400_000))).toBeUndefined()
  })
})

it('is one of the limits of a job, unless the job is being stopped', () => {
  const observation = {
    ...{ createdAt: start, suspended: false, failedAttempts: 0, attempt: running },
    heard: silentFor(60, start + 100_000),
  }
  const limits = { start_timeout_seconds: 60, heartbeat_seconds: 60, retries: 0 }
  const reason = { stop: { cause: { reason: 'HeartbeatMissed' } } }
  expect(nextDeadline(observation, limits, start)).toMatchObject(reason)
  const stop = { outcome: 'canceled', cause: { reason: 'Canceled', message: '' }, at: start } as const
  expect(nextDeadline({ ...observation, stop }, limits, start)).toBeUndefined()
})
