import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isFinal, reasons, states } from '../../../src/job/job.ts'
import { furtherAttempts } from '../../../src/job/state/disruption.ts'
import type { TrackedJob } from '../../../src/lifecycle/tracking/known-job.ts'
import { expectSame } from '../../support/expect-same.ts'
import {
  type Action,
  disturbed,
  perform,
  undisturbed,
  withBrokenStarts,
  withPodsTooMany,
} from './model/actions.ts'
import { Follower } from './model/follower.ts'
import { World } from './model/world.ts'

const runs = { numRuns: Number(process.env.MODEL_RUNS ?? 1000) }
const steps = { minLength: 0, maxLength: 120, size: 'max' } as const

it('never leaves a final state, shows success only after success, and ends every job whose Job is not suspended, for any events in any order', () => {
  fc.assert(
    fc.property(fc.array(disturbed, steps), fc.nat(2), (actions, retries) => {
      const { world, follower } = play(actions, retries)
      // A settled world may have what the one before it lacked, such as a manifest.
      checkSuccess(world, follower)
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

it('gives an undisturbed job the outcome of its last worker, in any order of events', () => {
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

it('gives a job an attempt more for each start that the machine broke off, in any order of events', () => {
  fc.assert(
    fc.property(fc.array(withBrokenStarts, steps), fc.nat(2), (actions, retries) => {
      const { world, follower } = play(actions, retries)
      settle(world, follower)
      checkSuccess(world, follower)
      checkSteps(follower.states)
      const broken = world.pods.filter(({ brokenAt }) => brokenAt !== undefined).length
      const last = world.pods.at(-1)
      const { answer } = lastOf(follower)
      if (broken > furtherAttempts)
        expect(answer).toMatchObject({ state: 'failed', reason: 'TooManyDisruptions' })
      else if (last?.worker.code === 0)
        expect(answer).toMatchObject({ state: 'succeeded', attempt: { number: world.pods.length } })
      else {
        expect(answer).toMatchObject({ state: 'failed', exit_code: last?.worker.code })
        expect(world.pods).toHaveLength(retries + 1 + broken)
      }
    }),
    runs,
  )
})

it('gives a job whose Job controller made pods too many the outcome of those that it counts, in any order of events', () => {
  fc.assert(
    fc.property(fc.array(withPodsTooMany, steps), fc.nat(2), (actions, retries) => {
      const { world, follower } = play(actions, retries)
      settle(world, follower)
      checkSuccess(world, follower)
      checkSteps(follower.states)
      const { answer } = lastOf(follower)
      const shown = world.pod(answer.attempt?.uid)
      if (answer.state === 'succeeded') {
        expect(answer).toMatchObject({ result: { state: 'complete' } })
        return
      }
      const { code, endedAt = 0 } = shown?.worker ?? {}
      expect(answer).toMatchObject({ state: 'failed', exit_code: 1 })
      expect([code, (shown?.askedToEndAt ?? endedAt) >= endedAt]).toEqual([1, true])
      // Without `retries` a failure is seen before the Job controller counts it.
      if (shown?.excess !== undefined) return
      expect(world.pods.filter(({ excess }) => excess === undefined)).toHaveLength(retries + 1)
      // Nobody may have seen the pod too many that a failed Job's status counts.
      const isCounted = world.pods.some(({ excess }) => excess === 'of-a-failed-job')
      if (!isCounted) expect(answer.attempt?.number).toBe(retries + 1)
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

/** Lets every pod and the Job end, and delivers all events. */
function settle(world: World, follower: Follower): void {
  for (let round = 0; round < 200; round += 1) {
    world.now += 700
    for (const pod of world.pods) {
      pod.silent = false
      if (world.deletedAt !== undefined) world.endPod(pod, 30, true)
      const { isRunning } = pod
      if (isRunning) world.now = pod.endWorker(world.now, 0)
      const advanced = pod.advance(world.now)
      if (round === 0 || isRunning || advanced) world.publishPod(pod)
      if (pod.isOver && pod.deletion) world.removePod(pod)
    }
    if (world.stop) world.deletedAt ??= world.now
    world.control()
    while (follower.receiveJob() || follower.receivePod());
    const progressed = [follower.checkPods(), follower.runAgain(), follower.lookUp()].includes(true)
    if (world.jobGone || (!world.isActive && !progressed)) return
  }
  throw new Error('the cluster does not come to rest')
}

function checkSuccess(world: World, { states: all }: Follower): void {
  const first = all.find(({ assessment }) => assessment.state === 'succeeded')
  if (!first) return
  const pod = world.pod(first.attempt)
  const manifest = world.store.manifest(first.attempt ?? '')
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
    expectSame(awaitsManifest, state === 'storing')
    expectSame(deleted, live.observation.stop?.outcome === 'deleted')
    expectSame(result.state === null, !isFinal(state))
    if (state === 'failed' || state === 'canceled') {
      expect(reasons).toContain(cause?.reason)
      expect(cause?.message).toMatch(/\w/)
    }
    const before = all[index - 1]
    if (!before) continue
    if (isFinal(before.assessment.state)) {
      expectSame({ ...assessment, deleted }, { ...before.assessment, deleted })
      expectSame(answer, before.answer)
    } else if (state !== 'queued' && attempt === before.attempt) {
      const goesOn = states.indexOf(state) >= states.indexOf(before.assessment.state)
      if (!goesOn) expect.fail(`${before.answer.state} → ${answer.state}`)
    }
  }
}

function lastOf({ now }: Follower): TrackedJob {
  if (!now) throw new Error('the job was never seen')
  return now
}
