import type { Cause } from '../job/job.ts'
import type { Attempt, ContainerObservation } from '../job/observation.ts'
import { interruptionOf } from './interruption.ts'
import { containers } from './names.ts'
import { type ContainerStatus, type Job, type Pod, timeOf } from './objects.ts'

/** A pod, as it was last where it is gone. */
export interface SeenPod {
  pod: Pod
  /** When it was found to be gone, in milliseconds since the epoch. */
  goneAt?: number
  /** No watch shows it, though it may still run: somebody took its label away. */
  lost?: true
}

/** Kubernetes gives whole seconds, rounded down. */
const resolution = 1000

export function attemptOf(seen: SeenPod, number: number, job: Job): Attempt {
  const { pod } = seen
  const uploader = uploaderStatus(pod)
  const worker = workerStatus(pod)
  const interrupted = interruptionOf(seen, job)
  const createdAt = timeOf(pod.metadata?.creationTimestamp)
  const workerObservation = { ...containerObservation(worker), ...workerCause(pod, worker) }
  return {
    uid: pod.metadata?.uid ?? '',
    number,
    ...(createdAt === undefined ? {} : { createdAt }),
    scheduled: pod.spec?.nodeName !== undefined,
    uploader: {
      ...containerObservation(uploader),
      // A sidecar that has ended is no longer `started`, but held nothing back.
      ready: uploader?.started === true || workerObservation.startedAt !== undefined,
    },
    worker: workerObservation,
    ...(interrupted === undefined ? {} : { interrupted }),
    ended: hasEnded(seen),
  }
}

/**
 * Nothing of it runs any more. The ends of both containers don't say so: when the kubelet evicts a pod, that and
 * the reason come only with the pod's last phase.
 */
export function hasEnded({ pod, goneAt }: SeenPod): boolean {
  return goneAt !== undefined || isTerminal(pod)
}

/** It has ended, and its worker not with 0. */
export function hasFailed(seen: SeenPod): boolean {
  if (!hasEnded(seen) || seen.pod.status?.phase === 'Succeeded') return false
  return seen.pod.status?.phase === 'Failed' || workerStatus(seen.pod)?.state?.terminated?.exitCode !== 0
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

export function workerStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.find((one) => one.name === containers.worker)
}

export function uploaderStatus(pod: Pod): ContainerStatus | undefined {
  // Of a rescue it is the only container.
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  return [...initContainerStatuses, ...containerStatuses].find((one) => one.name === containers.uploader)
}

function containerObservation(status: ContainerStatus | undefined): ContainerObservation {
  const { running, terminated } = status?.state ?? {}
  // containerd gives 1970 for a container that it could not start.
  const startedAt = timeOf(running?.startedAt ?? terminated?.startedAt) || undefined
  const finishedAt = timeOf(terminated?.finishedAt)
  return {
    resolution,
    restarts: status?.restartCount ?? 0,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    // The kubelet makes up a code (137) for a container that it never started.
    ...(terminated === undefined || startedAt === undefined ? {} : { exitCode: terminated.exitCode }),
    ...(terminated?.message === undefined ? {} : { message: terminated.message }),
  }
}

function workerCause(pod: Pod, status: ContainerStatus | undefined): { cause?: Cause } {
  const { reason, message = '' } = status?.state?.terminated ?? {}
  switch (reason) {
    case undefined:
      return podCause(pod)
    case 'Completed':
    case 'Error':
      return {}
    case 'OOMKilled':
      return {
        cause: {
          reason,
          message: 'the worker used more memory than it may have; ask for more with `memory`',
        },
      }
    case 'ContainerStatusUnknown':
      return {
        cause: { reason: 'Interrupted', message: `the node lost track of the worker. ${message}`.trim() },
      }
    case 'StartError':
      return { cause: isNodesDoing.test(message) ? startCutShort(message) : couldNotRun(reason, message) }
    default:
      // ContainerCannotRun, DeadlineExceeded, …: the container runtime's own words say which.
      return { cause: couldNotRun(reason, message) }
  }
}

function couldNotRun(reason: string, message: string): Cause {
  return { reason: 'Error', message: `the worker couldn't run: ${reason}: ${message}` }
}

/** Go's and gRPC's words where whoever asked went away, or waited too long: a kubelet that ends takes its calls along. */
const isNodesDoing = /context canceled|context deadline exceeded|ttrpc: closed|transport is closing/

/** Nothing of the worker ran. The Job counts it as its failure all the same: for a Job an exit code is all there is. */
function startCutShort(message: string): Cause {
  const what =
    'the node broke off starting the worker, as when its kubelet ends; nothing of it ran, deploy it again'
  return { reason: 'Interrupted', message: `${what} (${message})` }
}

/** A pod that its node refused (OutOfcpu, NodeAffinity, UnexpectedAdmissionError) has no containers to ask. */
function podCause(pod: Pod): { cause?: Cause } {
  const { phase, reason, message = '' } = pod.status ?? {}
  if (phase !== 'Failed' || reason === undefined || reason === 'Evicted') return {}
  return { cause: { reason: 'Error', message: `the node refused the pod: ${reason}: ${message}` } }
}
