import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { LiveJob } from '../../../src/job/backend.ts'
import type { Job } from '../../../src/job/job.ts'
import type { AttemptsByJob, Observation, Stop } from '../../../src/job/state/observation.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { readIfAny } from '../../../src/store/read-whole.ts'
import { Problem } from '../../../src/util/errors.ts'
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

it('writes down which attempt has the result, once its job has ended', async () => {
  const [other, running] = [liveJob({ attempt: ended(0) }), liveJob({ attempt: attempt() })]
  const asked = { jobs: [other.uuid, running.uuid], results: [other.uuid, running.uuid] }
  const { attempts } = await follow([other, running], asked)
  await eventually(() => expect(attempts).toEqual([{ [other.uuid]: 'a' }]), soon)
})

it.each([
  ['failed', { attempt: { ...ended(3), uid: 'b' } }],
  ['succeeded', { attempt: { ...ended(0), uid: 'b' } }],
  ['runs', { attempt: { ...attempt(), uid: 'a' } }],
])('fails a job whose input is of a job that was made again under its uuid: it %s', async (_, later) => {
  const [other, last] = [liveJob({ attempt: ended(0) }), liveJob({ attempt: attempt() })]
  const asked = { jobs: [other.uuid, last.uuid], results: [other.uuid] }
  const { shown, store, waiting, calls, stops } = await follow([other, last], asked)
  await eventually(() => expect(calls).toEqual([[last.uuid]]), soon)
  shown.change(other.uuid, later)
  shown.change(last.uuid, { attempt: ended(0) })
  await eventually(() => expect(stops).toHaveLength(1), soon)
  expect(stops[0]).toMatchObject({ outcome: 'failed', cause: { reason: 'DependencyFailed' } })
  expect(stops[0]?.cause.message).toContain(`job ${other.uuid} was deleted, and its result with it`)
  expect(await readIfAny(store, jobKeys.inputAttempts(waiting.uuid))).toBeUndefined()
  expect(calls).toHaveLength(1)
})

it('takes the attempt that it finds of a job that ended before attempts were written down', async () => {
  const [before, last] = [liveJob({ attempt: ended(0) }), liveJob({ attempt: ended(0) })]
  const asked = { jobs: [last.uuid], results: [before.uuid] }
  const { waiting, store, calls } = await follow([before, last], asked)
  await eventually(() => expect(calls).toEqual([[]]), soon)
  const written = await readIfAny(store, jobKeys.inputAttempts(waiting.uuid))
  expect(JSON.parse(String(written))).toEqual({ [before.uuid]: 'a' })
})

it.each([
  ['awaited', (uuid: string) => ({ jobs: [uuid], results: [] }), 'is gone'],
  ['an input', (uuid: string) => ({ jobs: [], results: [uuid] }), 'was deleted'],
])("counts another caller's job under the uuid of one that is %s as its removal", async (_, asked, why) => {
  const other: LiveJob = { ...liveJob({ attempt: ended(0) }), madeBy: 'another' }
  const { stops, calls } = await follow([other], asked(other.uuid))
  await eventually(() => expect(stops).toHaveLength(1), soon)
  expect(stops[0]?.cause.message).toContain(`job ${other.uuid} ${why}`)
  expect(calls).toEqual([])
})

it.each([
  ['awaited', (uuid: string) => ({ jobs: [uuid], results: [] })],
  ['an input', (uuid: string) => ({ jobs: [], results: [uuid] })],
])('fails a job when the record of one that is %s is damaged', async (_, asked) => {
  const other = randomUUID()
  const failing = new Problem('result-damaged', 'the record differs')
  const { stops } = await follow([], asked(other), 'end', 'complete', { failing })
  await eventually(() => expect(stops).toHaveLength(1), soon)
  expect(stops[0]).toMatchObject({ outcome: 'failed', cause: { reason: 'DependencyFailed' } })
  expect(stops[0]?.cause.message).toContain(`job ${other} has a damaged record`)
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
    failing: new Error('the store is away'),
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
  /** Why each look at a job fails. */
  failing?: Error
}

/**
 * A tracker of `others` and of a job that waits for them as given. `calls`: the lists of
 * awaitJobs(), and `attempts` what it was given with them; `looked`: the jobs that were looked at. A shown job has the state that its exit code
 * says, and a `result` once it has ended.
 */
async function follow(
  others: readonly LiveJob[],
  { jobs, results = [] }: { jobs: string[]; results?: string[] },
  on: 'success' | 'end' = 'success',
  result: 'complete' | 'expired' = 'complete',
  { clock, isCurrent = true, failing }: FollowOptions = {},
) {
  const store = await folderStore()
  const request = shellRequest('true', { depends_on: jobs.map((job_uuid) => ({ job_uuid, on })) })
  const waiting: LiveJob = { ...liveJob({ waiting: { jobs, results } }), request }
  const calls: (readonly string[])[] = []
  const attempts: AttemptsByJob[] = []
  const stops: Stop[] = []
  const looked: string[] = []
  const shown: ShownJobs = new ShownJobs([...others, waiting], {
    async awaitJobs(_, left, met = {}) {
      calls.push(left)
      attempts.push(met)
      const { waiting: _waiting, ...begun }: Observation = waiting.observation
      const still =
        left.length > 0 ? { waiting: { jobs: left, results, attempts: met } } : { begunAt: Date.now() }
      shown.put({ ...waiting, observation: { ...begun, ...still } })
    },
    async stop(uuid, stop) {
      if (uuid !== waiting.uuid) return true
      stops.push(stop)
      shown.change(waiting.uuid, { stop })
      return true
    },
  })
  shown.isCurrent = isCurrent
  const findJob = async (uuid: string) => {
    looked.push(uuid)
    if (failing) throw failing
    const found = shown.backend.get(uuid)
    return found && answerOf(found, result)
  }
  startTracker(shown.backend, store, { findJob, ...(clock && { clock }) })
  return { shown, waiting, store, calls, attempts, stops, looked }
}

function answerOf({ madeBy, observation: { attempt: seen } }: LiveJob, result: 'complete' | 'expired') {
  const exitCode = seen?.worker.exitCode
  const state = exitCode === undefined ? 'running' : exitCode === 0 ? 'succeeded' : 'failed'
  return {
    ...{ state, reason: state === 'failed' ? 'Error' : null, attempt: { number: 1, uid: seen?.uid } },
    result: { state: exitCode === undefined ? null : result },
    ...(madeBy !== undefined && { made_by: madeBy }),
  } as Job
}
