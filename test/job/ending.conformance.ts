import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { LiveJob } from '../../src/job/backend.ts'
import type { Stop } from '../../src/job/state/observation.ts'
import { eventually } from '../support/time/eventually.ts'
import { planFor, readLog, stopAs, type Under } from './backend-under-test.ts'
import { forget, hasEnded, nothingRuns, until, workerOf } from './live-jobs.ts'

/** `at` may be later than given: it is the time at which the backend records the stop. */
function expectStop({ observation: { stop } }: LiveJob, given: Stop): void {
  expect(stop).toEqual({ ...given, at: expect.any(Number) })
  expect(stop?.at).toBeGreaterThanOrEqual(given.at)
}

export function describeStopping(under: Under): void {
  it('ends a worker that ignores SIGTERM within its grace, and records the stop', async () => {
    const { backend } = under()
    const plan = planFor(under().request('trap "" TERM; while :; do sleep 1; done', { retries: 3 }))
    await backend.create(plan)
    await until(backend, plan.uuid, (job) => workerOf(job)?.startedAt !== undefined)
    const stop = stopAs('canceled')
    const began = Date.now()
    await backend.stop(plan.uuid, stop)
    const stopped = await until(backend, plan.uuid, (job) => job.observation.stop !== undefined)
    expectStop(stopped, stop)
    const { observation } = await until(backend, plan.uuid, hasEnded)
    expect(Date.now() - began).toBeLessThan(15_000)
    expect(observation.attempt).toMatchObject({ number: 1 })
    expect(observation.attempt?.worker.exitCode).not.toBe(0)
    expect(observation.attempt?.interrupted).toBeUndefined()
    await forget(backend, plan.uuid)
  })

  it('keeps the first stop, unless a later one deletes the job', async () => {
    const { backend } = under()
    const plan = planFor(under().request('sleep 60'))
    await backend.create(plan)
    const first = stopAs('failed')
    await backend.stop(plan.uuid, first)
    await backend.stop(plan.uuid, stopAs('canceled'))
    const stopped = await until(backend, plan.uuid, (job) => job.observation.stop !== undefined)
    expectStop(stopped, first)
    await backend.stop(plan.uuid, stopAs('deleted'))
    await until(backend, plan.uuid, (job) => job.observation.stop?.outcome === 'deleted')
    await until(backend, plan.uuid, nothingRuns)
    await forget(backend, plan.uuid)
  })

  it('never starts the worker of a job that was stopped at once', async () => {
    const { backend } = under()
    const plan = planFor(under().request('sleep 60'))
    await backend.create(plan)
    await backend.stop(plan.uuid, stopAs('canceled'))
    const { observation } = await until(backend, plan.uuid, nothingRuns)
    expect(observation.attempt?.worker.exitCode).not.toBe(0)
    await forget(backend, plan.uuid)
  })

  it('resolves with false for a stop of an unknown job', async () => {
    await expect(under().backend.stop(randomUUID(), stopAs('canceled'))).resolves.toBe(false)
  })
}

export function describeRelease(under: Under): void {
  it('keeps a released job until it is discarded', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    await backend.release(plan.uuid, 600)
    await until(backend, plan.uuid, (job) => job.released)
    await forget(backend, plan.uuid)
    expect([...backend.list()].map((job) => job.uuid)).not.toContain(plan.uuid)
    await expect(backend.release(plan.uuid, 0)).resolves.toBeUndefined()
  })

  it('does not release a job in deletion: it stays until discard(), after its objects are removed', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await expect(backend.stop(plan.uuid, stopAs('deleted'))).resolves.toBe(true)
    for (const keepSeconds of [600, 0]) {
      await backend.release(plan.uuid, keepSeconds)
      expect(backend.get(plan.uuid)).toMatchObject({ released: false })
    }
    await forget(backend, plan.uuid)
    await expect(backend.stop(plan.uuid, stopAs('deleted'))).resolves.toBe(false)
  })

  it('resolves with false for the deletion of a released job, which has no end to wait for', async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    await backend.create(plan)
    await until(backend, plan.uuid, hasEnded)
    await backend.release(plan.uuid, 600)
    await expect(backend.stop(plan.uuid, stopAs('deleted'))).resolves.toBe(false)
    await eventually(() => expect(backend.get(plan.uuid)).toBeUndefined(), { within: 30_000 })
  })

  it("accepts a new job with a removed job's uuid", async () => {
    const { backend } = under()
    const plan = planFor(under().request('exit 0'))
    for (const _ of [1, 2]) {
      expect((await backend.create(plan)).created).toBe(true)
      await until(backend, plan.uuid, hasEnded)
      await forget(backend, plan.uuid)
    }
  })
}

export function describeRestart(under: Under): void {
  it('has its jobs again after a restart, and removes them once it is the leader', async () => {
    const plan = planFor(under().request('echo kept'))
    await under().backend.create(plan)
    const before = await until(under().backend, plan.uuid, hasEnded)

    const backend = await under().restart()
    const after = await until(backend, plan.uuid, hasEnded)
    expect(after.request).toEqual(before.request)
    expect(after.requestSha256).toBe(plan.requestSha256)
    expect(after.observation.attempt?.uid).toBe(before.observation.attempt?.uid)
    expect(after.observation.attempt?.worker).toEqual(before.observation.attempt?.worker)
    expect(await backend.create(plan)).toEqual({ created: false, requestSha256: plan.requestSha256 })
    expect(await readLog(backend, plan.uuid)).toBe('kept\n')
    expect(backend.missing()).toEqual([])
    await eventually(() => expect(under().leadership.isLeader()).toBe(true), { within: 30_000 })
    await forget(backend, plan.uuid)
  })
}
