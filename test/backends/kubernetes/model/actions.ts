import fc from 'fast-check'
import type { Stop } from '../../../../src/job/state/observation.ts'
import type { Follower } from './follower.ts'
import type { SimPod } from './sim-pod.ts'
import type { World } from './world.ts'

/** An event in the cluster, or its delivery to the API. */
export interface Action {
  name: string
  /** A number by which the action selects a pod, an old event or an outcome. */
  which: number
  flag: boolean
}

export function perform({ name, which, flag }: Action, world: World, follower: Follower): void {
  const [, run] = usual[name] ?? disturbances[name] ?? brokenStart[name] ?? twoPods[name] ?? []
  run?.(world, follower, which, flag)
}

type Run = (world: World, follower: Follower, which: number, flag: boolean) => void

/** Actions of every job, each with its weight. */
const usual: Record<string, [number, Run]> = {
  'time passes': [
    4,
    (world, _, which) => {
      world.now += which * 40
    },
  ],
  'the kubelet takes its next step': [
    12,
    (world, _, which) => {
      const pod = chosen(world, which) ?? world.pods.at(-1 - (which % 7 === 0 ? 1 : 0))
      if (!pod?.advance(world.now)) return
      world.publishPod(pod)
      if (pod.isOver && pod.deletion) world.removePod(pod)
    },
  ],
  'the worker exits': [
    3,
    (world, _, which) => {
      const pod = chosen(world, which >> 3) ?? world.pods.at(-1)
      if (!pod?.isRunning) return
      const code = pod.deletion && which % 3 === 0 ? 143 : which % 4 === 0 ? 1 : 0
      world.now = pod.endWorker(world.now, code, code === 1 && which % 8 === 0 ? 'OOMKilled' : undefined)
      world.publishPod(pod)
    },
  ],
  'the Job controller takes its next step': [5, (world, _, which) => world.control(which)],
  'a checkpoint is written': [1, (world) => world.pods.at(-1)?.checkpoint()],
  'the Job watch delivers an event': [
    5,
    (_, follower) => {
      follower.receiveJob()
    },
  ],
  'the pod watch delivers an event': [
    8,
    (_, follower) => {
      follower.receivePod()
    },
  ],
  'an old event arrives late': [1, (_, follower, which) => follower.receiveAgain(which % 5)],
  'all Jobs are listed': [1, (_, follower) => follower.listJobs()],
  'all pods are listed': [1, (_, follower) => follower.listPods()],
  "the Job's pods are queried": [
    3,
    (_, follower) => {
      follower.checkPods()
    },
  ],
  'the API makes another Job': [
    3,
    (_, follower) => {
      follower.runAgain()
    },
  ],
  'the store answers': [
    6,
    (_, follower) => {
      follower.lookUp()
    },
  ],
}

/** One of the pods that run, if several do. */
function chosen({ pods }: World, which: number): SimPod | undefined {
  const there = pods.filter(({ isOver, gone }) => !isOver && !gone)
  return there.length > 1 ? there[which % there.length] : undefined
}

const outcomes: readonly Stop['outcome'][] = ['canceled', 'failed', 'deleted']

const brokenStart: Record<string, [number, Run]> = {
  "the machine fails to start the newest pod's worker": [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (pod?.breakStart(world.now)) world.publishPod(pod)
    },
  ],
}

const twoPods: Record<string, [number, Run]> = {
  'the Job controller makes a pod too many': [
    1,
    (world) => {
      world.makeExcess()
    },
  ],
}

/** Actions that disturb a job, each with its weight. */
const disturbances: Record<string, [number, Run]> = {
  'another client deletes the pod': [
    2,
    (world, _, which, notified) => {
      const pod = world.pods.at(-1)
      if (pod) world.endPod(pod, which % 2 === 0 ? 3600 : 5, notified)
    },
  ],
  'another client deletes the pod by force': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod) return
      pod.deletion ??= { at: world.now, grace: 0 }
      pod.askToEnd(world.now, false)
      world.removePod(pod)
    },
  ],
  'a drain': [
    1,
    (world, _, which, notified) => {
      const pod = world.pods.at(-1)
      if (!pod || pod.isOver) return
      const reasons = ['EvictionByEvictionAPI', 'PreemptionByScheduler', 'DeletionByTaintManager']
      pod.disruption ??= { at: world.now, reason: reasons[which % 3] ?? '' }
      world.endPod(pod, 3600, notified)
    },
  ],
  'an eviction by the kubelet': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod || pod.isOver) return
      pod.disruption ??= { at: world.now, reason: 'TerminationByKubelet' }
      pod.evict(world.now)
      world.publishPod(pod)
    },
  ],
  'the node is lost': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod) return
      pod.disruption ??= { at: world.now, reason: 'DeletionByPodGC' }
      pod.deletion ??= { at: world.now, grace: 0 }
      pod.askToEnd(world.now, false)
      world.removePod(pod)
    },
  ],
  'the kubelet stops reporting, or resumes': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod) return
      pod.silent = !pod.silent
      world.publishPod(pod)
    },
  ],
  'only the uploader gets SIGTERM': [1, (world) => world.pods.at(-1)?.terminateUploader(world.now)],
  'the uploader is killed': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      pod?.killUploader(world.now)
      if (pod) world.publishPod(pod)
    },
  ],
  'another client suspends the Job, or resumes it': [
    1,
    (world) => {
      world.turn()
    },
  ],
  'another client deletes the Job': [
    1,
    (world) => {
      world.deletedAt ??= world.now
      world.publishJob()
    },
  ],
  'the pods of a deleted Job are ended': [
    2,
    (world, _, __, notified) => {
      if (world.deletedAt === undefined && !world.stop) return
      for (const pod of world.pods) world.endPod(pod, 30, notified)
    },
  ],
  'the API decides to stop the job': [1, (world, _, which) => world.decide(outcomes[which % 3] ?? 'failed')],
  'the Job of a stop is deleted': [
    2,
    (world) => {
      if (!world.stop) return
      world.deletedAt ??= world.now
      world.publishJob()
    },
  ],
  'another client removes the finalizers': [
    1,
    (world) => {
      if (world.deletedAt !== undefined) world.removeJob()
    },
  ],
}

export const undisturbed = actionsOf(usual)
export const withBrokenStarts = fc.oneof(
  { weight: 8, arbitrary: undisturbed },
  { weight: 1, arbitrary: actionsOf(brokenStart) },
)
export const withPodsTooMany = fc.oneof(
  { weight: 8, arbitrary: undisturbed },
  { weight: 1, arbitrary: actionsOf(twoPods) },
)
export const disturbed = fc.oneof(
  { weight: 8, arbitrary: withBrokenStarts },
  { weight: 8, arbitrary: withPodsTooMany },
  { weight: 1, arbitrary: actionsOf(disturbances) },
)

function actionsOf(named: Record<string, [number, Run]>): fc.Arbitrary<Action> {
  const weighted = Object.entries(named).map(([name, [weight]]) => ({
    weight,
    arbitrary: fc.record({ name: fc.constant(name), which: fc.nat(49), flag: fc.boolean() }),
  }))
  return fc.oneof(...weighted)
}
