import { annotations, controllerLabels, uuidInName } from './names.ts'
import type { Job, ObjectMeta, Pod } from './objects.ts'

/** What is kept of a Job in memory: enough to observe, to stop and to release it. */
export function slimJob(job: Job): Job {
  const { suspend, backoffLimit, ttlSecondsAfterFinished } = job.spec ?? {}
  return {
    metadata: slimMetadata(job.metadata),
    spec: {
      template: {},
      ...(suspend === undefined ? {} : { suspend }),
      ...(backoffLimit === undefined ? {} : { backoffLimit }),
      ...(ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }),
    },
    ...(job.status === undefined ? {} : { status: job.status }),
  }
}

/** What is kept of a Pod: never its environment. */
export function slimPod(pod: Pod): Pod {
  const nodeName = pod.spec?.nodeName
  return {
    metadata: slimMetadata(pod.metadata),
    spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
    ...(pod.status === undefined ? {} : { status: pod.status }),
  }
}

/** The uuid of a Job, by what nobody can edit: its name. */
export function uuidOfJob(job: Job): string | undefined {
  return uuidInName(job.metadata?.name)
}

/** The uuid of the job whose pod it is; undefined for a pod that no Job controller made. */
export function uuidOfPod({ metadata }: Pod): string | undefined {
  return uuidInName(metadata?.ownerReferences?.[0]?.name ?? metadata?.labels?.[controllerLabels.jobName])
}

/** The uid of the Job whose pod it is, also where it was orphaned. */
export function jobUidOf({ metadata }: Pod): string | undefined {
  return metadata?.ownerReferences?.[0]?.uid ?? metadata?.labels?.[controllerLabels.uid]
}

/** `next` with what `before` says of the job: that never changes, whatever somebody writes into a Job's annotations. */
export function withIdentity(next: Job, before: Job | undefined): Job {
  if (before === undefined || before.metadata?.uid !== next.metadata?.uid) return next
  const kept = [annotations.request, annotations.requestSha256].flatMap((name) => {
    const value = before.metadata?.annotations?.[name]
    return value === undefined ? [] : [[name, value]]
  })
  const known = { ...next.metadata?.annotations, ...Object.fromEntries(kept) }
  return { ...next, metadata: { ...next.metadata, annotations: known } }
}

function slimMetadata(metadata: ObjectMeta = {}): ObjectMeta {
  const { managedFields: _, annotations = {}, ...rest } = metadata
  const ours = Object.entries(annotations).filter(([name]) => name.startsWith('jobferry.dev/'))
  return { ...rest, annotations: Object.fromEntries(ours) }
}
