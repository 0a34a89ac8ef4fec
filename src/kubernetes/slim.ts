import { jobLabel } from './names.ts'
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

/** The uuid of the job that an object belongs to. */
export function uuidOf(object: { metadata?: ObjectMeta }): string | undefined {
  return object.metadata?.labels?.[jobLabel]
}

function slimMetadata(metadata: ObjectMeta = {}): ObjectMeta {
  const { managedFields: _, annotations = {}, ...rest } = metadata
  const ours = Object.entries(annotations).filter(([name]) => name.startsWith('jobferry.dev/'))
  return { ...rest, annotations: Object.fromEntries(ours) }
}
