import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { LiveJob } from '../../src/job/backend.ts'
import { planFor, stopAs, type Under } from './backend-under-test.ts'
import { forget, hasEnded, nothingRuns, until } from './live-jobs.ts'

export function describeWaiting(under: Under): void {
  it('starts a waiting job, whose wait outlives the process, once no job is left', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    const waiting = { jobs: [one, other], results: [one] }
    const plan = { ...planFor(under().request('exit 0')), waiting }
    await under().backend.create(plan)
    const backend = await under().restart()
    const waits = await until(backend, plan.uuid, ({ observation }) => observation.waiting !== undefined)
    expect(waits.observation).toMatchObject({ waiting, suspended: false })
    await backend.awaitJobs(plan.uuid, [other], { [one]: 'its-attempt' })
    await backend.awaitJobs(plan.uuid, [other], { [one]: 'a-later-one', [other]: null })
    const left = ({ observation }: LiveJob) => observation.waiting?.attempts?.[other] === null
    expect((await until(backend, plan.uuid, left)).observation.waiting).toEqual({
      ...{ jobs: [other], results: [one] },
      attempts: { [one]: 'its-attempt', [other]: null },
    })

    const before = Date.now()
    await backend.awaitJobs(plan.uuid, [])
    await backend.awaitJobs(plan.uuid, [])
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(observation.waiting).toBeUndefined()
    expect(observation.begunAt).toBeGreaterThanOrEqual(before - 2000)
    expect(observation.attempt?.worker.exitCode).toBe(0)
    await forget(backend, plan.uuid)
  })

  it('ends a waiting job that is stopped, without an attempt', async () => {
    const { backend } = under()
    const waiting = { jobs: [randomUUID()], results: [] }
    const plan = { ...planFor(under().request('exit 0')), waiting }
    await backend.create(plan)
    const stop = stopAs('failed')
    await backend.stop(plan.uuid, stop)
    await backend.awaitJobs(plan.uuid, [])
    const { observation } = await until(backend, plan.uuid, nothingRuns)
    expect(observation).toMatchObject({ stop: { outcome: 'failed', cause: stop.cause } })
    expect(observation.attempt).toBeUndefined()
    await forget(backend, plan.uuid)
  })

  it('waits with no job that is unknown', async () => {
    await expect(under().backend.awaitJobs(randomUUID(), [])).resolves.toBeUndefined()
  })
}
