import type { Cause, Reason } from '../../../job/job.ts'
import { saidByUploader } from '../../../job/state/said-by-uploader.ts'
import type { ContainerStatus, Event, Pod } from '../api/objects.ts'
import { uploaderStatus } from './pod-state.ts'
import { currentStep } from './pod-steps.ts'

/** Why a pod's containers do not start, as far as the pod's status says it. */
export function blockedByStatus(pod: Pod): Cause | undefined {
  const scheduled = pod.status?.conditions?.find((one) => one.type === 'PodScheduled')
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return { reason: 'Unschedulable', message: `no node takes the pod: ${scheduled.message ?? ''}` }
  }
  const { name, container, status } = currentStep(pod)
  const uploader = uploaderStatus(pod)
  const program = name === undefined ? container : `the step \`${name}\``
  return (
    (uploader && blockedContainer(uploader, uploader.name)) ?? (status && blockedContainer(status, program))
  )
}

/**
 * Why a job does not start, by the newest warning that is not older than `oldest`: about the pod,
 * or about the Job if there is no pod. Undefined if no warning says so, or the pod has made
 * progress since.
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

/** The kubelet's reasons for a waiting container, without those that pass by themselves. */
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

/** `name` is for people. */
function blockedContainer({ image, state, lastState }: ContainerStatus, name: string): Cause | undefined {
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
      // Refused by an admission plugin (Pod Security, LimitRange, a missing ServiceAccount or
      // PriorityClass).
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

/** Events stay for an hour, also after their cause has passed. */
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
