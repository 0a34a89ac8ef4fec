import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isFinal, reasons, states } from '../../src/job/job.ts'
import type { TrackedJob } from '../../src/lifecycle/tracked.ts'
import { type Action, disturbed, perform, undisturbed } from './model/actions.ts'
import { Follower } from './model/follower.ts'
import { World } from './model/world.ts'

const runs = { numRuns: Number(process.env.MODEL_RUNS ?? 1500) }
const steps = { minLength: 0, maxLength: 120, size: 'max' } as const

it('never leaves a final state and never calls a job succeeded that has not, whatever happens in any order', () => {
  fc.assert(
    fc.property(fc.array(disturbed, steps), fc.nat(2), (actions, retries) => {
      const { world, follower } = play(actions, retries)
      checkSuccess(world, follower)
      checkSteps(follower.states)
    }),
    runs,
  )
})

it('ends every job whose Job is not suspended, whatever happened, once nothing more does', () => {
  fc.assert(
    fc.property(fc.array(disturbed, steps), fc.nat(2), (actions, retries) => {
      const { world, follower } = play(actions, retries)
      settle(world, follower)
      checkSuccess(world, follower)
      checkSteps(follower.states)
      if (world.jobGone) return
      const { assessment } = lastOf(follower)
      if (assessment.state === 'queued')
        expect([assessment.cause?.reason, world.suspended]).toEqual(['Suspended', true])
      else expect(isFinal(assessment.state)).toBe(true)
    }),
    runs,
  )
})

it('gives every job that nobody disturbs the end that its last worker had, in whatever order that is heard of', () => {
  fc.assert(
    fc.property(fc.array(undisturbed, steps), fc.nat(2), (actions, retries) => {
      const { world, follower } = play(actions, retries)
      settle(world, follower)
      const last = world.pods.at(-1)
      const { answer } = lastOf(follower)
      expect(answer.attempt).toEqual({ uid: last?.uid, number: world.pods.length })
      if (last?.worker.code === 0) {
        expect(answer).toMatchObject({ state: 'succeeded', result: { state: 'complete' } })
      } else {
        expect(answer).toMatchObject({ state: 'failed', exit_code: last?.worker.code })
        expect(world.pods).toHaveLength(retries + 1)
      }
    }),
    runs,
  )
})

function play(actions: readonly Action[], retries: number): { world: World; follower: Follower } {
  const world = new World(retries)
  const follower = new Follower(world)
  for (const action of actions) perform(action, world, follower)
  return { world, follower }
}

/** Everything comes to its end and is heard of. */
function settle(world: World, follower: Follower): void {
  for (let round = 0; round < 200; round += 1) {
    world.now += 700
    for (const pod of world.pods) {
      pod.silent = false
      if (world.deletedAt !== undefined) world.endPod(pod, 30, true)
      if (pod.isRunning) world.now = pod.endWorker(world.now, 0)
      pod.advance(world.now)
      world.tellPod(pod)
      if (pod.isOver && pod.deletion) world.removePod(pod)
    }
    if (world.stop) world.deletedAt ??= world.now
    world.control()
    while (follower.hearJob() || follower.hearPod());
    const goesOn = [follower.checkPods(), follower.lookUp()].includes(true)
    if (world.jobGone || (!world.isActive && !goesOn)) return
  }
  throw new Error('the cluster does not come to rest')
}

function checkSuccess(world: World, { states: all }: Follower): void {
  const first = all.find(({ assessment }) => assessment.state === 'succeeded')
  if (!first) return
  const pod = world.pod(first.attempt)
  const manifest = world.manifest(first.attempt ?? '')
  expect(pod?.worker.code).toBe(0)
  expect(manifest?.checkpoint).toBeUndefined()
  const ended = pod?.worker.endedAt ?? Number.NaN
  expect(Date.parse(manifest?.scan_started_at ?? '')).toBeGreaterThanOrEqual(ended)
  expect(pod?.askedToEndAt ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(ended)
  expect(first.assessment.cause).toBeUndefined()
  expect(first.answer.result).toEqual({ state: 'complete', count: 1, bytes: 1 })
}

function checkSteps(all: readonly TrackedJob[]): void {
  for (const [index, { assessment, live, attempt, answer }] of all.entries()) {
    const { state, cause, result, awaitsManifest, deleted } = assessment
    expect(awaitsManifest).toBe(state === 'storing')
    expect(deleted).toBe(live.observation.stop?.outcome === 'deleted')
    expect(result.state === null).toBe(!isFinal(state))
    if (state === 'failed' || state === 'canceled') {
      expect(reasons).toContain(cause?.reason)
      expect(cause?.message).toMatch(/\w/)
    }
    const before = all[index - 1]
    if (!before) continue
    if (isFinal(before.assessment.state)) {
      expect({ ...assessment, deleted }).toEqual({ ...before.assessment, deleted })
      expect(answer).toEqual(before.answer)
    } else if (state !== 'queued' && attempt === before.attempt) {
      expect(states.indexOf(state), `${before.answer.state} → ${answer.state}`).toBeGreaterThanOrEqual(
        states.indexOf(before.assessment.state),
      )
    }
  }
}

function lastOf({ now }: Follower): TrackedJob {
  if (!now) throw new Error('the job was never seen')
  return now
}
