import { expect, it } from 'vitest'
import { type HistorySource, historyOf, mostTransitions } from '../../../src/job/history/history.ts'
import { usageOf } from '../../../src/job/history/usage.ts'
import type { Job } from '../../../src/job/job.ts'
import type { AttemptTimes, Observation } from '../../../src/job/state/observation.ts'
import { attempt as attemptOf } from '../../support/api/attempt.ts'
import { canceled, created, head, observation, second } from '../state/observations.ts'

const after = (seconds: number) => created + seconds * second

function source(
  state: Job['state'],
  changes: Partial<Observation> = {},
  more: Partial<HistorySource> & Partial<Pick<Job, 'reason' | 'result'>> = {},
): HistorySource {
  const { stored, reason = null, result = { state: null, count: null, bytes: null } } = more
  const { uid = '', number } = changes.attempt ?? {}
  const attempt = number === undefined ? null : { number, uid }
  return { observation: observation(changes), job: { state, reason, attempt, result }, stored }
}

/** `state seconds attempt reason step` of each. */
function shown(from: HistorySource): string[] {
  return historyOf(from).map(({ state, time, attempt, reason, step }) =>
    [state, (Date.parse(time) - created) / second, attempt, reason, step]
      .filter((part) => part != null)
      .join(' '),
  )
}

const earlier: AttemptTimes = {
  number: 1,
  scheduledAt: after(1),
  startedAt: after(3),
  finishedAt: after(5),
  endedAt: after(6),
  reason: 'OOMKilled',
}

it('a job that waits for others says so, and when that was over', () => {
  expect(shown(source('queued', { waiting: { jobs: ['x'], results: [] } }))).toEqual([
    'queued 0 WaitingForJobs',
  ])
  expect(shown(source('queued', { begunAt: after(9) }))).toEqual(['queued 0 WaitingForJobs', 'queued 9'])
})

it('an earlier attempt comes before the one that runs, with the reason of its end', () => {
  const attempt = attemptOf({ startedAt: after(9) }, { number: 2, scheduledAt: after(7) })
  expect(shown(source('running', { earlier: [earlier], attempt }))).toEqual([
    ...['queued 0', 'preparing 1 1', 'running 3 1', 'storing 5 1', 'queued 6 1 OOMKilled'],
    ...['preparing 7 2', 'running 9 2'],
  ])
})

it('a disrupted attempt of which only that is known is a wait for the next one', () => {
  const disruptions = [
    { attempt: 'gone', number: 1, started: true, reason: 'Evicted' as const, message: '', at: after(4) },
  ]
  expect(shown(source('queued', { disruptions }))).toEqual(['queued 0', 'queued 4 1 Evicted'])
})

it('no wait follows the attempt at which the job ended, though its backend began another', () => {
  const ended = source('failed', { earlier: [earlier] }, { stored: 'none', reason: 'OOMKilled' })
  const job = { ...ended.job, attempt: { number: 1, uid: 'a' } }
  expect(shown({ ...ended, job })).toEqual([
    ...['queued 0', 'preparing 1 1', 'running 3 1', 'storing 5 1', 'failed 5 1 OOMKilled'],
  ])
})

it('the end is when all was stored, and a stop is not before it was asked for', () => {
  const attempt = attemptOf(
    { startedAt: after(2), finishedAt: after(5), exitCode: 0 },
    { scheduledAt: after(1), ended: true, endedAt: after(30) },
  )
  const stored = { ...head(), stored_at: new Date(after(8)).toISOString() }
  expect(shown(source('succeeded', { attempt }, { stored })).at(-1)).toBe('succeeded 8 1')
  expect(shown(source('succeeded', { attempt }, { stored: head() })).at(-1)).toBe('succeeded 30 1')
  const stop = canceled(after(40))
  const end = shown(source('canceled', { attempt, stop }, { stored, reason: 'Canceled' })).at(-1)
  expect(end).toBe('canceled 40 1 Canceled')
})

it('a stop that keeps further attempts off does not move the end', () => {
  const worker = { startedAt: after(2), finishedAt: after(5), exitCode: 0 }
  const attempt = attemptOf(worker, { scheduledAt: after(1), ended: true, endedAt: after(30) })
  const stop = { ...canceled(after(40)), outcome: 'failed' as const, attempt: attempt.uid }
  const end = shown(source('failed', { attempt, stop }, { stored: 'none', reason: 'StorageFull' })).at(-1)
  expect(end).toBe('failed 30 1 StorageFull')
})

it('a failure names the step that decided it', () => {
  const steps = [{ name: 'a', startedAt: after(2), finishedAt: after(3), exitCode: 4 }, { name: 'b' }]
  const worker = { startedAt: after(2), finishedAt: after(3), exitCode: 4, step: 'a' }
  const attempt = attemptOf(worker, { scheduledAt: after(1), steps, ended: true, endedAt: after(5) })
  const failed = source('failed', { attempt }, { stored: 'none', reason: 'Error' })
  expect(shown(failed).slice(2)).toEqual(['running 2 1 a', 'storing 3 1', 'failed 5 1 Error a'])
})

it('no time is before an earlier one, whatever the clocks say', () => {
  const attempt = attemptOf({ startedAt: after(-50), finishedAt: after(2) }, { scheduledAt: after(1) })
  expect(shown(source('storing', { attempt }))).toEqual([
    'queued 0',
    'preparing 1 1',
    'running 1 1',
    'storing 2 1',
  ])
})

it('of very many transitions the first and the last ones are kept', () => {
  const many = Array.from({ length: 60 }, (_, index): AttemptTimes => ({ ...earlier, number: index + 1 }))
  const attempt = attemptOf({ startedAt: after(9) }, { number: 61, scheduledAt: after(7) })
  const all = historyOf(source('running', { earlier: many, attempt }))
  expect(all).toHaveLength(mostTransitions)
  expect(all[0]).toMatchObject({ state: 'queued', attempt: null })
  expect(all.at(-1)).toMatchObject({ state: 'running', attempt: 61 })
})

it('a job that failed before it ran has used no time of what it did not come to', () => {
  const attempt = attemptOf({}, { scheduledAt: after(4), ended: true, endedAt: after(9) })
  const result = { state: 'missing' as const, count: 0, bytes: 0 }
  const usage = usageOf(source('failed', { attempt }, { stored: 'none', reason: 'ErrImagePull', result }))
  expect(usage).toEqual({
    ...{ queued_seconds: 4, pulling_seconds: null, fetching_seconds: null, running_seconds: null },
    ...{ storing_seconds: null, input_bytes: null, output_bytes: null, node: null, images: null },
    ...{ peak_memory_bytes: null, cpu_seconds: null },
  })
})

it('the bytes of a result are known without the attempt that made it', () => {
  const result = { state: 'complete' as const, count: 1, bytes: 7 }
  expect(usageOf(source('succeeded', {}, { stored: head(), result }))).toMatchObject({ output_bytes: 7 })
})

it('the time of storing is not known before the end, though all programs have ended', () => {
  const worker = { startedAt: after(2), finishedAt: after(5), exitCode: 0 }
  const attempt = attemptOf(worker, { scheduledAt: after(1), ended: true, endedAt: after(9) })
  expect(usageOf(source('storing', { attempt }))).toMatchObject({ running_seconds: 3, storing_seconds: null })
})

it('the times of all attempts are added up', () => {
  const worker = { startedAt: after(10), finishedAt: after(14), exitCode: 0 }
  const attempt = attemptOf(worker, { number: 2, scheduledAt: after(7.5), ended: true, endedAt: after(20) })
  const stored = { ...head(), stored_at: new Date(after(15.25)).toISOString() }
  expect(usageOf(source('succeeded', { earlier: [earlier], attempt }, { stored }))).toMatchObject({
    ...{ queued_seconds: 2.5, running_seconds: 6, storing_seconds: 2.25 },
  })
})
