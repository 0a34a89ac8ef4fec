import { expect, it } from 'vitest'
import type { CachedJob } from '../../../../src/backends/kubernetes/cache/cached-job.ts'
import type { Controller } from '../../../../src/backends/kubernetes/controllers/job-reconciler.ts'
import type { Decision } from '../../../../src/backends/kubernetes/policies/job-policy.ts'
import { job, uuid } from '../objects.ts'
import { startReconciler } from './reconciler.ts'

it('decides again at waitUntil and runs the action', async () => {
  const { cache, clock, controller, ran } = start(() => ({ waitUntil: until }))
  const until = clock.now() + 5000
  controller.decide = (_, now) => (now < until ? { waitUntil: until } : { action: 'act' })
  cache.putJob(job())
  await clock.advance(4999)
  expect(ran).toHaveLength(0)
  await clock.advance(1)
  expect(ran).toHaveLength(1)
})

it('runs one action at a time for a job, and decides again after it if the job changed meanwhile', async () => {
  const { cache, clock, controller, ran } = start(() => ({ action: 'act' }))
  const first = Promise.withResolvers<void>()
  controller.run = async (seen) => {
    ran.push(seen)
    if (ran.length === 1) await first.promise
  }
  cache.putJob(job())
  cache.putJob(job({ metadata: { resourceVersion: '11' } }))
  await clock.advance(60_000)
  expect(ran).toHaveLength(1)
  first.resolve()
  await clock.advance(0)
  expect(ran.map((seen) => seen.job.metadata?.resourceVersion)).toEqual(['10', '11'])
})

it('repeats an action after pauseAfter of the failures in a row', async () => {
  const { cache, clock, controller, ran } = start(() => ({ action: 'act' }))
  controller.run = async (seen) => {
    ran.push(seen)
    if (ran.length <= 3) throw new Error('conflict')
  }
  controller.pauseAfter = (failures) => (failures === 0 ? 10_000 : 1000 * failures)
  cache.putJob(job())
  for (const pause of [1000, 2000, 3000, 10_000]) {
    const count = ran.length
    await clock.advance(pause - 1)
    expect(ran).toHaveLength(count)
    await clock.advance(1)
    expect(ran).toHaveLength(count + 1)
  }
})

it('forgets a job without a decision', async () => {
  const { cache, clock, controller, ran } = start(() => ({ waitUntil: clock.now() + 1000 }))
  cache.putJob(job())
  controller.decide = () => undefined
  cache.putJob(job({ metadata: { resourceVersion: '11' } }))
  await clock.advance(5000)
  expect([ran.length, clock.pending]).toEqual([0, 0])
})

it('decides about the jobs already in the cache when a controller is added', () => {
  const { cache, reconciler, controller } = start(() => undefined)
  cache.putJob(job())
  const decided: string[] = []
  reconciler.add({
    ...controller,
    decide(seen) {
      decided.push(seen.uuid)
      return undefined
    },
  })
  expect(decided).toEqual([uuid])
})

/** A reconciler with a controller that tests may change; `ran` gets the job of each action. */
function start(decide: () => Decision<string>) {
  const ran: CachedJob[] = []
  const controller: Controller<string> = {
    name: 'test',
    decide,
    run: async (seen) => void ran.push(seen),
    pauseAfter: () => 1000,
  }
  const parts = startReconciler()
  parts.reconciler.add(controller)
  return { ...parts, controller, ran }
}
