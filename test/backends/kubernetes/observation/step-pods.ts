import type { ContainerStatus, Pod } from '../../../../src/backends/kubernetes/api/objects.ts'
import { prunePod } from '../../../../src/backends/kubernetes/cache/prune-objects.ts'
import { annotations } from '../../../../src/backends/kubernetes/names.ts'
import { observe } from '../../../../src/backends/kubernetes/observation/observe.ts'
import { assess } from '../../../../src/job/state/state.ts'
import { stepAnswers } from '../../../../src/job/steps/step-states.ts'
import type { ManifestHead } from '../../../../src/result-format/manifest/manifest.ts'
import { at, job, pod, running, seen, waiting } from '../objects.ts'

const uploading = { started: true, ...running(2) }
const initializing = waiting('PodInitializing')

/** A pod of the steps stage, compute and organize, as a watch shows it. */
export function podOf(
  statuses: Partial<ContainerStatus>[],
  more: Parameters<typeof pod>[0] = {},
  command?: string[],
): Pod {
  const [stage = initializing, compute = initializing, organize = initializing] = statuses
  const full = (name: string, given: Partial<ContainerStatus>) =>
    ({ name, image: `${name}:1`, imageID: '', ready: false, restartCount: 0, ...given }) as ContainerStatus
  const base = pod({ nodeName: 'node', uploader: uploading, ...more })
  const program = (name: string) => ({ name, image: 'x', ...(command && { command }) })
  return prunePod({
    ...base,
    metadata: { ...base.metadata, annotations: { [annotations.lastStep]: 'organize' } },
    spec: {
      nodeName: 'node',
      initContainers: ['uploader', 'step-stage', 'step-compute'].map(program),
      containers: [program('worker')],
    },
    status: {
      phase: 'Pending',
      ...more.status,
      initContainerStatuses: [
        full('uploader', more.uploader ?? uploading),
        full('step-stage', stage),
        full('step-compute', compute),
      ],
      containerStatuses: [full('worker', organize)],
    },
  })
}

/** The steps of podOf(). */
export const names = ['stage', 'compute', 'organize']
/** Of a pod whose step has failed. */
export const failed = { status: { phase: 'Failed' } }
/** What a watch that has seen this pod alone says. */
export const observed = (one: Pod) => observe({ job: job(), pods: [seen(one)] })

/** Of the results of a pod that has stored them. */
export const head: ManifestHead = {
  ...{ version: 1, job: 'j', attempt: 'pod-1', count: 1, bytes: 1, errors: 0 },
  scan_started_at: at(60),
}

/** The job's state and steps, as callers see them. */
export function answerOf(one: Pod, stored: ManifestHead | 'none' | undefined = head) {
  const observation = observed(one)
  const { state, cause, result } = assess(observation, stored, 0)
  const over = ['succeeded', 'failed', 'canceled'].includes(state)
  const steps = stepAnswers(names, observation.attempt, { over, ran: true })
  return {
    state,
    reason: cause?.reason,
    message: cause?.message,
    result: result.state,
    exit: observation.attempt?.worker.exitCode,
    steps: steps.map((one) => `${one.state} ${one.exit_code}`),
  }
}
