import { defined } from '../../../util/objects.ts'
import type { Container, KubernetesJob, ObjectMeta, Pod } from '../api/objects.ts'
import {
  againInName,
  annotations,
  containers,
  controllerLabels,
  stepOfContainer,
  uuidInName,
} from '../names.ts'

/** The parts of a Job that are kept in memory: enough to observe, stop and release it. */
export function pruneJob(job: KubernetesJob): KubernetesJob {
  const { suspend, backoffLimit, ttlSecondsAfterFinished } = job.spec ?? {}
  return {
    metadata: pruneMetadata(job.metadata),
    spec: {
      template: {},
      ...defined({ suspend, backoffLimit, ttlSecondsAfterFinished }),
    },
    ...defined({ status: job.status }),
  }
}

/**
 * The parts of a pod that are kept in memory: the programs of its worker and its steps, never their
 * environment.
 */
export function prunePod(pod: Pod): Pod {
  const { nodeName, containers: others = [], initContainers: before = [] } = pod.spec ?? {}
  const steps = before.filter(({ name }) => stepOfContainer(name) !== undefined)
  const initContainers = steps.length === 0 ? undefined : steps.map(programOf)
  const worker = others.filter(({ name, command }) => name === containers.worker && command !== undefined)
  return {
    metadata: pruneMetadata(pod.metadata),
    spec: { containers: worker.map(programOf), ...defined({ initContainers, nodeName }) },
    ...defined({ status: pod.status }),
  }
}

function programOf({ name, command }: Container): Container {
  return { name, ...defined({ command: command?.slice(0, 1) }) }
}

/** The uuid in a Job's name, which no client can edit. */
export function uuidOfJob(job: KubernetesJob): string | undefined {
  return uuidInName(job.metadata?.name)
}

/**
 * The uuid of the job to which a pod belongs; undefined for a pod that the Job controller did not
 * make.
 */
export function uuidOfPod({ metadata }: Pod): string | undefined {
  const owner = metadata?.ownerReferences?.[0]?.name ?? metadata?.labels?.[controllerLabels.jobName]
  return uuidInName(owner) ?? againInName(owner)?.uuid
}

/** The UID of the Job to which a pod belongs, also after the pod was orphaned. */
export function jobUidOf({ metadata }: Pod): string | undefined {
  return metadata?.ownerReferences?.[0]?.uid ?? metadata?.labels?.[controllerLabels.uid]
}

/**
 * `next` with the request and the maker of `before`: they never change, whatever a client writes
 * into the annotations.
 */
export function withIdentity(next: KubernetesJob, before: KubernetesJob | undefined): KubernetesJob {
  if (before === undefined || before.metadata?.uid !== next.metadata?.uid) return next
  const kept = [annotations.request, annotations.requestSha256, annotations.madeBy].flatMap((name) => {
    const value = before.metadata?.annotations?.[name]
    return value === undefined ? [] : [[name, value]]
  })
  const known = { ...next.metadata?.annotations, ...Object.fromEntries(kept) }
  return { ...next, metadata: { ...next.metadata, annotations: known } }
}

function pruneMetadata(metadata: ObjectMeta = {}): ObjectMeta {
  const { managedFields: _, annotations = {}, ...rest } = metadata
  const ours = Object.entries(annotations).filter(([name]) => name.startsWith('jobferry.dev/'))
  return { ...rest, annotations: Object.fromEntries(ours) }
}
