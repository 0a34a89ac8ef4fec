import type { ContainerStatus, Pod } from '../api/objects.ts'
import { containers } from '../names.ts'
import { workerStatus } from './pod-steps.ts'

/** A pod in its last known state. */
export interface CachedPod {
  pod: Pod
  /** When this process learned that the pod is gone, in milliseconds since the epoch. */
  goneAt?: number
  /** No watch shows the pod though it may still run: a client took its label away. */
  unlabelled?: true
}

/**
 * No container of the pod runs. The ends of both containers are not enough: of an evicted pod, the
 * eviction and its reason come only with the last phase.
 */
export function hasEnded({ pod, goneAt }: CachedPod): boolean {
  return goneAt !== undefined || isTerminal(pod)
}

/** The pod has ended, and its worker's exit code is not 0. */
export function hasFailed(seen: CachedPod): boolean {
  if (!hasEnded(seen) || seen.pod.status?.phase === 'Succeeded') return false
  return seen.pod.status?.phase === 'Failed' || workerStatus(seen.pod)?.state?.terminated?.exitCode !== 0
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

export function uploaderStatus(pod: Pod): ContainerStatus | undefined {
  // In a rescue pod the uploader is an ordinary container.
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {}
  return [...initContainerStatuses, ...containerStatuses].find((one) => one.name === containers.uploader)
}
