import fc from 'fast-check'
import type { Stop } from '../../../src/job/observation.ts'
import type { Follower } from './follower.ts'
import type { World } from './world.ts'

/** Something that happens in the cluster, or that the API hears of it. */
export interface Action {
  name: string
  /** Which pod, which old event: whatever it needs. */
  which: number
  flag: boolean
}

export function perform({ name, which, flag }: Action, world: World, follower: Follower): void {
  const [, run] = usual[name] ?? disturbances[name] ?? []
  run?.(world, follower, which, flag)
}

type Run = (world: World, follower: Follower, which: number, flag: boolean) => void

/** What happens to every job, with how often. */
const usual: Record<string, [number, Run]> = {
  'time passes': [
    4,
    (world, _, which) => {
      world.now += which * 40
    },
  ],
  'the kubelet goes on': [
    12,
    (world, _, which) => {
      const pod = world.pods.at(-1 - (which % 7 === 0 ? 1 : 0))
      if (!pod?.advance(world.now)) return
      world.tellPod(pod)
      if (pod.isOver && pod.deletion) world.removePod(pod)
    },
  ],
  'the worker exits': [
    3,
    (world, _, which) => {
      const pod = world.pods.at(-1)
      if (!pod?.isRunning) return
      const code = pod.deletion && which % 3 === 0 ? 143 : which % 4 === 0 ? 1 : 0
      world.now = pod.endWorker(world.now, code, code === 1 && which % 8 === 0 ? 'OOMKilled' : undefined)
      world.tellPod(pod)
    },
  ],
  'the Job controller goes on': [5, (world) => world.control()],
  'a checkpoint is written': [1, (world) => world.pods.at(-1)?.checkpoint()],
  'a Job is heard of': [
    5,
    (_, follower) => {
      follower.hearJob()
    },
  ],
  'a pod is heard of': [
    8,
    (_, follower) => {
      follower.hearPod()
    },
  ],
  'old news come late': [1, (_, follower, which) => follower.hearAgain(which % 5)],
  'all Jobs are listed': [1, (_, follower) => follower.listJobs()],
  'all pods are listed': [1, (_, follower) => follower.listPods()],
  'the pods are asked for': [
    3,
    (_, follower) => {
      follower.checkPods()
    },
  ],
  'the store answers': [
    6,
    (_, follower) => {
      follower.lookUp()
    },
  ],
}

const outcomes: readonly Stop['outcome'][] = ['canceled', 'failed', 'deleted']

/** What happens to some. */
const disturbances: Record<string, [number, Run]> = {
  'somebody deletes the pod': [
    2,
    (world, _, which, heard) => {
      const pod = world.pods.at(-1)
      if (pod) world.endPod(pod, which % 2 === 0 ? 3600 : 5, heard)
    },
  ],
  'somebody deletes the pod by force': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      pod?.askToEnd(world.now, false)
      if (pod) world.removePod(pod)
    },
  ],
  'a drain': [
    1,
    (world, _, which, heard) => {
      const pod = world.pods.at(-1)
      if (!pod || pod.isOver) return
      const reasons = ['EvictionByEvictionAPI', 'PreemptionByScheduler', 'DeletionByTaintManager']
      pod.disruption ??= { at: world.now, reason: reasons[which % 3] ?? '' }
      world.endPod(pod, 3600, heard)
    },
  ],
  'an eviction by the kubelet': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod || pod.isOver) return
      pod.disruption ??= { at: world.now, reason: 'TerminationByKubelet' }
      pod.evict(world.now)
      world.tellPod(pod)
    },
  ],
  'the node is lost': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod) return
      pod.disruption ??= { at: world.now, reason: 'DeletionByPodGC' }
      pod.askToEnd(world.now, false)
      world.removePod(pod)
    },
  ],
  'the kubelet falls silent, or speaks again': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      if (!pod) return
      pod.silent = !pod.silent
      world.tellPod(pod)
    },
  ],
  'the uploader alone gets SIGTERM': [1, (world) => world.pods.at(-1)?.terminateUploader(world.now)],
  'the uploader is killed': [
    1,
    (world) => {
      const pod = world.pods.at(-1)
      pod?.killUploader(world.now)
      if (pod) world.tellPod(pod)
    },
  ],
  'somebody suspends the Job, or resumes it': [
    1,
    (world) => {
      world.turn()
    },
  ],
  'somebody deletes the Job': [
    1,
    (world) => {
      world.deletedAt ??= world.now
      world.tellJob()
    },
  ],
  'the pods of a deleted Job are ended': [
    2,
    (world, _, __, heard) => {
      if (world.deletedAt === undefined && !world.stop) return
      for (const pod of world.pods) world.endPod(pod, 30, heard)
    },
  ],
  'the API decides to stop the job': [1, (world, _, which) => world.decide(outcomes[which % 3] ?? 'failed')],
  'the Job of a stop is deleted': [
    2,
    (world) => {
      if (!world.stop) return
      world.deletedAt ??= world.now
      world.tellJob()
    },
  ],
  'somebody takes the finalizers': [
    1,
    (world) => {
      if (world.deletedAt !== undefined) world.removeJob()
    },
  ],
}

export const undisturbed = actionsOf(usual)
export const disturbed = fc.oneof(
  { weight: 15, arbitrary: undisturbed },
  { weight: 1, arbitrary: actionsOf(disturbances) },
)

function actionsOf(named: Record<string, [number, Run]>): fc.Arbitrary<Action> {
  const weighted = Object.entries(named).map(([name, [weight]]) => ({
    weight,
    arbitrary: fc.record({ name: fc.constant(name), which: fc.nat(49), flag: fc.boolean() }),
  }))
  return fc.oneof(...weighted)
}
