import { type Cause, type Reason, reasons } from '../job/job.ts'
import type { Observation, Uploaded } from '../job/observation.ts'
import { uploaderStatus, workerStatus } from './attempt.ts'
import type { ContainerStatus, Event, Pod } from './objects.ts'

/** What keeps a pod's containers from starting, as far as the pod itself says it. */
export function blockedByStatus(pod: Pod): Cause | undefined {
  const scheduled = pod.status?.conditions?.find((one) => one.type === 'PodScheduled')
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return { reason: 'Unschedulable', message: `no node takes the pod: ${scheduled.message ?? ''}` }
  }
  for (const status of [uploaderStatus(pod), workerStatus(pod)]) {
    const cause = status && blockedContainer(status)
    if (cause) return cause
  }
  return undefined
}

/**
 * What the newest warning says that isn't older than `oldest`: of the pod, or where there is none of the Job.
 * Undefined where none of them keeps a job from starting, or the pod has come further since.
 */
export function blockedByEvents(
  events: readonly Event[],
  { pod, oldest }: { pod?: Pod | undefined; oldest: number },
): Cause | undefined {
  for (const event of events.toSorted(byTime).reverse()) {
    if (timeOfEvent(event) < oldest || isOvercome(event, pod)) continue
    const cause = causeOf(event)
    if (cause !== undefined) return cause
  }
  return undefined
}

/**
 * What the uploader's log said last after `since`: what is in its way, by a line with one of our reasons, or how far
 * it is, by a line with `progress`.
 */
export function saidByUploader(
  log: string,
  since: number,
): Pick<Observation, 'blocked' | 'progress' | 'uploaded'> {
  for (const line of log.trimEnd().split('\n').reverse()) {
    const { reason, message, msg, progress, time } = parseLine(line)
    if (!isAfter(time, since)) continue
    const text = String(message ?? msg ?? 'see the log of `uploader`')
    const uploaded = uploadedOf(progress)
    const numbers = uploaded === undefined ? {} : { uploaded }
    if (reasons.includes(reason as Reason)) {
      return { blocked: { reason: reason as Reason, message: text }, ...numbers }
    }
    if (progress !== undefined) return { progress: text, ...numbers }
  }
  return {}
}

/** Kubelet's words for a container that waits, those that pass by themselves left out. */
const waitingReasons: Record<string, Reason> = {
  ErrImagePull: 'ErrImagePull',
  ImagePullBackOff: 'ImagePullBackOff',
  ErrImageNeverPull: 'ErrImagePull',
  ImageInspectError: 'ErrImagePull',
  RegistryUnavailable: 'ErrImagePull',
  InvalidImageName: 'InvalidImageName',
  CreateContainerConfigError: 'CreateContainerConfigError',
  CreateContainerError: 'CreateContainerConfigError',
}

function blockedContainer({ name, image, state, lastState }: ContainerStatus): Cause | undefined {
  const { reason = '', message = '' } = state?.waiting ?? {}
  if (reason === 'CrashLoopBackOff') {
    const last = lastState?.terminated
    const words = last?.message === undefined ? undefined : saidByUploader(last.message, 0).blocked
    return words ?? { reason: 'Error', message: `${name} ended with code ${last?.exitCode}: ${message}` }
  }
  const known = waitingReasons[reason]
  if (known === undefined) return undefined
  const about =
    known === 'CreateContainerConfigError' ? `${name} can't be started` : `${name}'s image ${image}`
  return { reason: known, message: `${about}: ${message || reason}` }
}

function causeOf(event: Event): Cause | undefined {
  const message = event.message ?? ''
  switch (event.reason) {
    case 'FailedCreate':
      if (/exceeded quota|failed quota/.test(message)) return { reason: 'QuotaExceeded', message }
      // An admission's refusal (Pod Security, LimitRange, a missing ServiceAccount or PriorityClass).
      return { reason: 'CreateContainerConfigError', message: `the cluster refuses the pod: ${message}` }
    case 'FailedMount':
    case 'FailedAttachVolume':
    case 'FailedMapVolume':
      return { reason: 'FailedMount', message }
    case 'FailedCreatePodSandBox':
      return { reason: 'CreateContainerConfigError', message }
    case 'FailedScheduling':
      return /persistentvolumeclaim ".*" not found/.test(message)
        ? { reason: 'FailedMount', message }
        : { reason: 'Unschedulable', message: `no node takes the pod: ${message}` }
    default:
      return undefined
  }
}

/** Events stay for an hour, whatever became of what they warn of. */
function isOvercome(event: Event, pod: Pod | undefined): boolean {
  if (pod === undefined) return false
  if (event.reason === 'FailedScheduling') return pod.spec?.nodeName !== undefined
  // True once the volumes are mounted and the pod has its network.
  const ready = pod.status?.conditions?.find((one) => one.type === 'PodReadyToStartContainers')
  return ready?.status === 'True'
}

function byTime(a: Event, b: Event): number {
  return timeOfEvent(a) - timeOfEvent(b)
}

function timeOfEvent(event: Event): number {
  const time = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime
  return Date.parse(time ?? event.metadata.creationTimestamp ?? '') || 0
}

function uploadedOf(progress: unknown): Uploaded | undefined {
  if (typeof progress !== 'object' || progress === null) return undefined
  const numbers = Object.entries(progress).filter(([, value]) => Number.isFinite(value))
  const found: Partial<Uploaded> = Object.fromEntries(numbers)
  const { files, bytes, total_files, total_bytes } = found
  if (files === undefined || bytes === undefined) return undefined
  const total = total_files === undefined || total_bytes === undefined ? {} : { total_files, total_bytes }
  return { files, bytes, ...total }
}

function parseLine(line: string): { [key: string]: unknown } {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isAfter(time: unknown, since: number): boolean {
  const at = typeof time === 'number' ? time : Date.parse(String(time))
  return Number.isNaN(at) || at >= since
}
