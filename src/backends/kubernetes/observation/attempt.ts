import type { Cause } from '../../../job/job.ts'
import type { Attempt, ContainerObservation, StepObservation } from '../../../job/state/observation.ts'
import { exitCodeIn } from '../../../job/steps/step-shell.ts'
import { defined } from '../../../util/objects.ts'
import { type ContainerStatus, type KubernetesJob, type Pod, timeOf } from '../api/objects.ts'
import { interruptionOf, lastSignOf } from './interruption.ts'
import { type CachedPod, hasEnded, uploaderStatus } from './pod-state.ts'
import { currentStep, type PodStep, programName, startOf, stepsOfPod, workerStatus } from './pod-steps.ts'
import { startFailure } from './start-failure.ts'
import { exitCodeOfStartError } from './start-failure-culprit.ts'

/** Milliseconds: Kubernetes gives whole seconds, rounded down. */
const resolution = 1000

export function attemptOf(seen: CachedPod, number: number, job: KubernetesJob): Attempt {
  const { pod } = seen
  const uploader = uploaderStatus(pod)
  const worker = workerStatus(pod)
  const interrupted = interruptionOf(seen, job)
  const createdAt = timeOf(pod.metadata?.creationTimestamp)
  const step = currentStep(pod)
  const workerObservation = {
    ...containerObservation(worker, step.status),
    ...workerCause(pod, worker, step),
    ...defined({ step: step.name }),
  }
  const steps = stepObservations(pod, workerObservation)
  return {
    uid: pod.metadata?.uid ?? '',
    number,
    ...defined({ createdAt }),
    scheduled: pod.spec?.nodeName !== undefined,
    ...attemptPlace(pod),
    uploader: {
      ...containerObservation(uploader),
      ...defined({ readyAt: readySince(pod) }),
      // A sidecar that has ended is no longer `started`, but the worker started after it.
      ready: uploader?.started === true || workerObservation.startedAt !== undefined,
    },
    worker: workerObservation,
    ...(steps.length > 0 && { steps }),
    ...defined({ interrupted }),
    ...endOf(seen),
  }
}

function endOf(seen: CachedPod): Pick<Attempt, 'ended' | 'endedAt'> {
  if (!hasEnded(seen)) return { ended: false }
  const uploaderEnd = timeOf(uploaderStatus(seen.pod)?.state?.terminated?.finishedAt) ?? 0
  return { ended: true, endedAt: Math.max(lastSignOf(seen.pod), uploaderEnd) }
}

/** `own` is that of the container that ended, where `status` is that of several. */
function containerObservation(
  status: ContainerStatus | undefined,
  own: ContainerStatus | undefined = status,
): ContainerObservation {
  const { terminated } = status?.state ?? {}
  const start = timeOf(startOf(status))
  const finishedAt = timeOf(terminated?.finishedAt)
  // The node's clock may have been set back meanwhile.
  const startedAt = start === undefined ? undefined : Math.min(start, finishedAt ?? start)
  return {
    resolution,
    restarts: status?.restartCount ?? 0,
    ...defined({ startedAt, finishedAt }),
    // The kubelet sets code 137 for a container that it never started.
    ...(terminated && startOf(own) !== undefined && { exitCode: terminated.exitCode }),
    ...defined({ message: terminated?.message }),
  }
}

/** Empty for a job without steps. */
function stepObservations(pod: Pod, { step, exitCode: code }: Attempt['worker']): StepObservation[] {
  return stepsOfPod(pod).flatMap(({ name, status }) => {
    if (name === undefined) return []
    const { startedAt, finishedAt, exitCode, message } = containerObservation(status)
    // Of a failure that is ignored, only the message has the code.
    const ignored = exitCode === 0 ? exitCodeIn(message) : undefined
    const ofWorker = name === step ? code : undefined
    return { name, ...defined({ startedAt, finishedAt, exitCode: ignored ?? exitCode ?? ofWorker }) }
  })
}

type WorkerCause = Pick<ContainerObservation, 'cause' | 'exitCode'>

function workerCause(pod: Pod, status: ContainerStatus | undefined, step: PodStep): WorkerCause {
  const { reason, message = '' } = status?.state?.terminated ?? {}
  const failure = startFailure(pod)
  const program = programName(step)
  if (failure !== undefined) return { cause: failure }
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
          message: `${program} used more memory than it may have; ask for more with \`memory\``,
        },
      }
    case 'ContainerStatusUnknown':
      return {
        cause: { reason: 'Interrupted', message: `the node lost track of ${program}. ${message}`.trim() },
      }
    case 'Unknown':
      // containerd, internal/cri/server/status.go: it lost the container while it was away itself.
      return { cause: { reason: 'Interrupted', message: lostByRuntime(program) } }
    case 'StartError':
    case 'ContainerCannotRun':
      return {
        cause: couldNotRun(program, reason, shellHint(message, step)),
        ...defined({ exitCode: exitCodeOfStartError(message, step.command) }),
      }
    default:
      // DeadlineExceeded, …: the container runtime's message says why.
      return { cause: couldNotRun(program, reason, message) }
  }
}

function couldNotRun(program: string, reason: string, message: string): Cause {
  return { reason: 'Error', message: `${program} couldn't run: ${reason}: ${message}` }
}

/** A step that a shell runs needs one in its image. */
function shellHint(message: string, { name, command }: PodStep): string {
  const isMissing = name !== undefined && command === '/bin/sh' && message.includes('/bin/sh')
  return isMissing
    ? `${message}. \`stdin\`, \`stdout\`, \`stderr\`, \`ignore_error\` and \`hold_after_failure_seconds\` need /bin/sh in the step's image`
    : message
}

function lostByRuntime(program: string): string {
  return `the node's container runtime lost ${program} while it was away itself; how it ended is not known`
}

/**
 * A pod that its node refused (OutOfcpu, NodeAffinity, UnexpectedAdmissionError) has no container
 * statuses.
 */
function podCause(pod: Pod): { cause?: Cause } {
  const { phase, reason, message = '' } = pod.status ?? {}
  if (phase !== 'Failed' || reason === undefined || reason === 'Evicted') return {}
  return { cause: { reason: 'Error', message: `the node refused the pod: ${reason}: ${message}` } }
}

/** Where an attempt runs, since when, and what. */
function attemptPlace(pod: Pod): Pick<Attempt, 'node' | 'scheduledAt' | 'images'> {
  const node = pod.spec?.nodeName
  const images = stepsOfPod(pod).map(({ status }) => status?.imageID || null)
  return {
    ...defined({ node, scheduledAt: node === undefined ? undefined : trueSince(pod, 'PodScheduled') }),
    ...(images.some((image) => image !== null) && { images }),
  }
}

/**
 * Since when the uploader is ready: kubelets set Initialized once all init containers have started
 * or, of steps, ended. Only without steps this is the uploader alone.
 */
function readySince(pod: Pod): number | undefined {
  return stepsOfPod(pod).length > 1 ? undefined : trueSince(pod, 'Initialized')
}

function trueSince({ status }: Pod, condition: string): number | undefined {
  const found = status?.conditions?.find((one) => one.type === condition && one.status === 'True')
  return timeOf(found?.lastTransitionTime)
}
