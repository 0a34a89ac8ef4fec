import { nameOfProgram } from '../../../job/steps/step-states.ts'
import { type ContainerStatus, type Pod, timeOf } from '../api/objects.ts'
import { annotations, containers, stepOfContainer } from '../names.ts'

/** A step of a pod, or the worker of a job without steps. */
export interface PodStep {
  /** Absent for a job without steps. */
  name?: string
  container: string
  status: ContainerStatus | undefined
  /** The program that the request names; undefined if the image's own entrypoint runs. */
  command: string | undefined
}

/** The steps of a pod in their order; the worker alone for a job without steps. */
export function stepsOfPod({ metadata, spec, status }: Pod): PodStep[] {
  const { initContainers = [], containers: others = [] } = spec ?? {}
  const before = initContainers.flatMap(({ name: container, command }) => {
    const name = stepOfContainer(container)
    const found = status?.initContainerStatuses?.find((one) => one.name === container)
    return name === undefined ? [] : [{ name, container, status: found, command: programOf(command) }]
  })
  const worker = containers.worker
  const last = metadata?.annotations?.[annotations.lastStep]
  return [
    ...before,
    {
      ...(last !== undefined && { name: last }),
      container: worker,
      status: status?.containerStatuses?.find((one) => one.name === worker),
      command: programOf(others.find(({ name }) => name === worker)?.command),
    },
  ]
}

/**
 * The step that runs or is to start next, or that decided on the pod's end: the first that has not
 * succeeded, else the last one.
 */
export function currentStep(pod: Pod): PodStep {
  const steps = stepsOfPod(pod)
  const current = steps.find(({ status }) => status?.state?.terminated?.exitCode !== 0) ?? steps.at(-1)
  return current ?? { container: containers.worker, status: undefined, command: undefined }
}

/**
 * The status of all steps as if they were one container: from the first one's start until a step
 * fails or the last one ends. Between two steps it runs.
 */
export function workerStatus(pod: Pod): ContainerStatus | undefined {
  const { status, container } = currentStep(pod)
  const [first, ...others] = stepsOfPod(pod)
  if (others.length === 0 || first?.container === container) return status
  const startedAt = startOf(first?.status)
  const began = startedAt === undefined ? {} : { startedAt }
  const base = status ?? first?.status
  if (base === undefined) return undefined
  const { terminated, running } = status?.state ?? {}
  if (terminated !== undefined) return { ...base, state: { terminated: { ...terminated, ...began } } }
  return { ...base, state: { running: { ...running, ...began } } }
}

/** When its program started; containerd gives 1970 for a container that it could not start. */
export function startOf(status: Pick<ContainerStatus, 'state'> | undefined): string | undefined {
  const text = (status?.state?.running ?? status?.state?.terminated)?.startedAt
  return timeOf(text) ? text : undefined
}

/** For people. */
export function programName({ name }: Pick<PodStep, 'name'>): string {
  return nameOfProgram(name)
}

function programOf(command: readonly string[] | undefined): string | undefined {
  return command?.[0]?.replaceAll('$$', '$')
}
