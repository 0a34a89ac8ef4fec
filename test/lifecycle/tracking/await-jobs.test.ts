import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { LiveJob } from '../../../src/job/backend.ts'
import type { Job } from '../../../src/job/job.ts'
import type { Observation, Stop } from '../../../src/job/state/observation.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { readIfAny } from '../../../src/store/read-whole.ts'
import { shellRequest } from '../../backends/local/setup.ts'
import { attempt } from '../../support/api/attempt.ts'
import { folderStore } from '../../support/store/folder-store.ts'
import { eventually } from '../../support/time/eventually.ts'
import { manualClock } from '../../support/time/manual-clock.ts'
import { liveJob, ShownJobs, startTracker } from './setup.ts'

const soon = { every: 1 }

it('lets a job begin when the job that it waits for has ended, and looks at nothing before', async () => {
  const other = liveJob({ attempt: attempt() })
  const { shown, calls, looked } = await follow([other], { jobs: [other.uuid] })
  await eventually(() => expect(looked).toEqual([other.uuid]), soon)
  shown.change(other.uuid, { progress: 'half of it' })
  expect(looked).toHaveLength(1)
  shown.change(other.uuid, { ended: { at: Date.now() }, attempt: ended(0) })
  await eventually(() => expect(calls).toEqual([[]]), soon)
})

it('writes down which jobs have ended, so that their removal later counts for nothing', async () => {
  const [first, second] = [liveJob({ attempt: ended(0) }), liveJob({ attempt: attempt() })]
  const { calls } = await follow([first, second], { jobs: [first.uuid, second.uuid] })
  await eventually(() => expect(calls).toEqual([[second.uuid]]), soon)
})

it.each([
  ['fails', ended(3), 'failed (Error)'],
  ['is deleted', undefined, 'is gone'],
])('fails a job when one that it waits for %s', async (_, end, why) => {
  const [first, second] = [liveJob({ attempt: attempt() }), liveJob({ attempt: attempt() })]
  const { shown, stops, calls } = await follow([first, second], { jobs: [first.uuid, second.uuid] })
  if (end === undefined) shown.lose(second.uuid)
  else shown.change(second.uuid, { ended: { at: Date.now() }, attempt: end })
  await eventually(() => expect(stops).toHaveLength(1), soon)
  expect(stops[0]).toMatchObject({ outcome: 'failed', cause: { reason: 'DependencyFailed' } })
  expect(stops[0]?.cause.message).toContain(`job ${second.uuid} ${why}`)
  expect(calls).toEqual([])
})

it('takes any end of a job where the request says so', async () => {
  const other = liveJob({ attempt: ended(3), ended: { at: Date.now() } })
  const { calls, stops } = await follow([other], { jobs: [other.uuid] }, 'end')
  await eventually(() => expect(calls).toEqual([[]]), soon)
  expect(stops).toEqual([])
})

it('tells the uploader which attempt has the result that is an input, before the job begins', async () => {
  const other = liveJob({ attempt: ended(0), ended: { at: Date.now() } })
  const { waiting, store, calls } = await follow([other], { jobs: [other.uuid], results: [other.uuid] })
  await eventually(() => expect(calls).toEqual([[]]), soon)
  const written = await readIfAny(store, jobKeys.inputAttempts(waiting.uuid))
  expect(JSON.parse(String(written))).toEqual({ [other.uuid]: 'a' })
})

it('fails a job whose input is a result that has expired', async () => {
  const other = liveJob({ attempt: ended(0), ended: { at: Date.now() } })
  const asked = { jobs: [other.uuid], results: [other.uuid] }
  const { stops } = await follow([other], asked, 'success', 'expired')
  await eventually(() => expect(stops).toHaveLength(1), soon)
  expect(stops[0]?.cause.message).toContain('expired')
})

it('waits while the backend does not show the present: a job that is not shown may be there', async () => {
  const clock = manualClock()
  const { shown, looked, stops } = await follow([], { jobs: [randomUUID()] }, 'end', 'complete', {
    clock,
    isCurrent: false,
  })
  await clock.advance(60_000)
  expect(looked).toEqual([])
  shown.isCurrent = true
  await clock.advance(1000)
  await eventually(() => expect(stops).toHaveLength(1), soon)
})

it('repeats a look that failed with growing pauses', async () => {
  const clock = manualClock()
  const other = liveJob({ attempt: attempt() })
  const { shown, looked } = await follow([other], { jobs: [other.uuid] }, 'success', 'complete', {
    clock,
    failing: true,
  })
  await eventually(() => expect(looked).toHaveLength(1), soon)
  shown.change(other.uuid, { ended: { at: clock.now() }, attempt: ended(0) })
  expect(looked).toHaveLength(1)
  await clock.advance(10_000)
  expect(looked.length).toBeGreaterThan(1)
  expect(looked.length).toBeLessThan(10)
})

function ended(exitCode: number) {
  return attempt({ startedAt: 1, finishedAt: 2, exitCode }, { ended: true })
}

interface FollowOptions {
  clock?: ReturnType<typeof manualClock>
  isCurrent?: boolean
  /** Each look at a job fails. */
  failing?: boolean
}

/**
 * A tracker of `others` and of a job that waits for them as given. `calls`: the lists of
 * awaitJobs(); `looked`: the jobs that were looked at. A shown job has the state that its exit code
 * says, and a `result` once it has ended.
 */
async function follow(
  others: readonly LiveJob[],
  { jobs, results = [] }: { jobs: string[]; results?: string[] },
  on: 'success' | 'end' = 'success',
  result: 'complete' | 'expired' = 'complete',
  { clock, isCurrent = true, failing = false }: FollowOptions = {},
) {
  const store = await folderStore()
  const request = shellRequest('true', { depends_on: jobs.map((job_uuid) => ({ job_uuid, on })) })
  const waiting: LiveJob = { ...liveJob({ waiting: { jobs, results } }), request }
  const calls: (readonly string[])[] = []
  const stops: Stop[] = []
  const looked: string[] = []
  const shown: ShownJobs = new ShownJobs([...others, waiting], {
    async awaitJobs(_, left) {
      calls.push(left)
      const { waiting: _waiting, ...begun }: Observation = waiting.observation
      const still = left.length > 0 ? { waiting: { jobs: left, results } } : { begunAt: Date.now() }
      shown.put({ ...waiting, observation: { ...begun, ...still } })
    },
    async stop(_, stop) {
      stops.push(stop)
      shown.change(waiting.uuid, { stop })
      return true
    },
  })
  shown.isCurrent = isCurrent
  const findJob = async (uuid: string) => {
    looked.push(uuid)
    if (failing) throw new Error('the store is away')
    const found = shown.backend.get(uuid)
    return found && answerOf(found, result)
  }
  startTracker(shown.backend, store, { findJob, ...(clock && { clock }) })
  return { shown, waiting, store, calls, stops, looked }
}

function answerOf({ observation: { attempt: seen } }: LiveJob, result: 'complete' | 'expired') {
  const exitCode = seen?.worker.exitCode
  const state = exitCode === undefined ? 'running' : exitCode === 0 ? 'succeeded' : 'failed'
  return {
    ...{ state, reason: state === 'failed' ? 'Error' : null, attempt: { number: 1, uid: seen?.uid } },
    result: { state: exitCode === undefined ? null : result },
  } as Job
}
