import { expect, it } from 'vitest'
import type { Stop } from '../../../src/job/state/observation.ts'
import { shellRequest } from '../../backends/local/setup.ts'
import { attempt } from '../../support/api/attempt.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { manualClock } from '../../support/time/manual-clock.ts'
import { liveJob, ShownJobs, startTracker } from './setup.ts'

it('stops nothing for its time while the backend does not show the present', async () => {
  const clock = manualClock()
  const running = liveJob({ attempt: attempt({ startedAt: clock.now(), resolution: 0 }) })
  const job = { ...running, request: shellRequest('sleep 60', { timeout_seconds: 1 }) }
  const stops: Stop[] = []
  const shown = new ShownJobs([job], {
    stop: async (_, stop) => {
      stops.push(stop)
      return true
    },
  })
  shown.isCurrent = false
  startTracker(shown.backend, await folderStore(), { clock })
  await clock.advance(60_000)
  expect(stops).toEqual([])
  shown.isCurrent = true
  await clock.advance(1000)
  expect(stops.map(({ cause }) => cause.reason)).toEqual(['TimeoutExceeded'])
})

it('repeats a stop a second after it failed', async () => {
  const clock = manualClock()
  const job = liveJob({ createdAt: clock.now() - 60_000 })
  let tries = 0
  const shown = new ShownJobs([job], {
    async stop() {
      tries += 1
      if (tries === 1) throw new Error('the cluster is away')
      return true
    },
  })
  startTracker(shown.backend, await folderStore(), { clock })
  const tried = (times: number) => eventually(() => expect(tries).toBe(times), { every: 1 })
  await tried(1)
  await clock.advance(999)
  shown.change(job.uuid, { progress: 'a' })
  expect(tries).toBe(1)
  await clock.advance(1)
  shown.change(job.uuid, { progress: 'b' })
  await tried(2)
  const cause = { reason: 'StartTimeout', message: '' } as const
  shown.change(job.uuid, { stop: { outcome: 'failed', at: clock.now(), cause } })
  await clock.advance(60_000)
  expect(tries).toBe(2)
})

it('ends the retries for a job that was given up, before the job is removed', async () => {
  const clock = manualClock()
  const job = liveJob({ createdAt: 1, deletedAt: 2, ended: { at: 2 } })
  let held = true
  const shown = new ShownJobs([job], {
    async discard(uuid) {
      held = false
      shown.lose(uuid)
    },
  })
  const writing = Promise.withResolvers<void>()
  let tries = 0
  const tracker = startTracker(shown.backend, await folderStore(), {
    clock,
    async archive() {
      tries += 1
      if (tries === 1) throw new Error('the store is away')
      await writing.promise
      throw new Error('the store is away')
    },
  })
  await clock.until(() => expect([tries, held]).toEqual([2, false]))
  let dropped = false
  const dropping = tracker.dropGivenUp(job.uuid).then(() => {
    dropped = true
  })
  await clock.advance(1000)
  expect([dropped, tracker.get(job.uuid)]).toEqual([false, undefined])
  writing.resolve()
  await dropping
  await clock.advance(60_000)
  expect([tries, tracker.get(job.uuid)]).toEqual([2, undefined])
})

it('archives once, and releases once the consumers of the end are notified', async () => {
  const clock = manualClock()
  const job = liveJob({ ended: { at: 2 } })
  const shown = new ShownJobs([job])
  const calls: string[] = []
  startTracker(shown.backend, await folderStore(), {
    clock,
    async notifyEnd() {
      calls.push('notify')
      if (calls.filter((call) => call === 'notify').length < 3) throw new Error('the consumer is away')
    },
    archive: async () => void calls.push('archive'),
    release: async () => void calls.push('release'),
  })
  await clock.until(() => expect(calls).toContain('release'))
  await clock.advance(60_000)
  expect(calls).toEqual(['notify', 'archive', 'notify', 'notify', 'release'])
})

it('shows a job that waits for another attempt as running, though it saw no more of the first one', async () => {
  const running = attempt({ startedAt: Date.now(), resolution: 0 })
  const job = liveJob({ attempt: running })
  const shown = new ShownJobs([job])
  const tracker = startTracker(shown.backend, await folderStore())
  const answer = () => tracker.get(job.uuid)?.answer
  expect(answer()).toMatchObject({ state: 'running', phase: 'running' })
  const { attempt: _, ...without } = job.observation
  shown.put({ ...job, observation: without })
  expect(answer()).toMatchObject({ state: 'queued', phase: 'running' })
})
