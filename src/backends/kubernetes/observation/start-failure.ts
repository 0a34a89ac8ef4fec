import type { Cause } from '../../../job/job.ts'
import type { ContainerStatus, Pod } from '../api/objects.ts'
import { uploaderStatus } from './pod-state.ts'
import { currentStep, programName, startOf } from './pod-steps.ts'
import { culpritOfRefusal, culpritOfStartError } from './start-failure-culprit.ts'

/**
 * Why the machine did not start a pod's worker or one of its steps, so that nothing of it ran;
 * undefined for every other pod, and for a start that the request made impossible.
 */
export function startFailure(pod: Pod): Cause | undefined {
  const step = currentStep(pod)
  const { reason = '', message = '' } = step.status?.state?.terminated ?? {}
  if (startReasons.has(reason) && !hasStarted(step.status)) {
    if (culpritOfStartError(message, step.command) === 'request') return undefined
    const program = programName(step)
    return { reason: 'Interrupted', message: `the node could not start ${program}: ${reason}: ${message}` }
  }
  return refusal(pod)
}

/** containerd, internal/cri/server/container_start.go; cri-dockerd, core/convert.go. */
const startReasons: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun'])

function refusal(pod: Pod): Cause | undefined {
  const { phase, reason, message = '' } = pod.status ?? {}
  if (phase !== 'Failed' || reason === undefined || culpritOfRefusal(reason) === 'request') return undefined
  // The worker starts after the uploader.
  if (hasStarted(uploaderStatus(pod)) || hasStarted(currentStep(pod).status)) return undefined
  return { reason: 'Interrupted', message: `the node refused the pod: ${reason}: ${message}` }
}

function hasStarted(status: ContainerStatus | undefined): boolean {
  const states = [status?.state, status?.lastState]
  return states.some((state) => state !== undefined && startOf({ state }) !== undefined)
}
