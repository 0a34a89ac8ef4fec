import { defined } from '../../../util/objects.ts'
import { isOlderObject, type KubernetesJob, type KubernetesObject, type Pod } from '../api/objects.ts'
import { controllerLabels, uuidInRescueName } from '../names.ts'
import { pruneJob, prunePod } from './prune-objects.ts'

/** A rescue's Job, unless it is gone, and its existing pods. */
export interface CachedRescue {
  job?: KubernetesJob
  pods: readonly Pod[]
  /** Why the cluster refuses the rescue, as a sentence. */
  refused?: string
}

interface RescueEntry {
  job?: KubernetesJob
  pods: Map<string, Pod>
  refused?: string
}

/**
 * Jobs and pods of rescues. Each change returns the uuid of the job to which the rescue belongs, if
 * any.
 */
export class RescueCache {
  readonly #records = new Map<string, RescueEntry>()

  /** The rescue for the Job of that UID, not for an earlier job of the same uuid. */
  get(uuid: string, jobUid: string | undefined): CachedRescue | undefined {
    const record = this.#records.get(uuid)
    if (record === undefined) return undefined
    const { job, pods, refused } = record
    const isOurs = job?.metadata?.ownerReferences?.[0]?.uid === jobUid
    // Every pod counts, also an earlier job's: it writes under the same uuid.
    return {
      pods: [...pods.values()],
      ...(isOurs && defined({ job })),
      ...defined({ refused }),
    }
  }

  putJob(job: KubernetesJob): string | undefined {
    const uuid = uuidInRescueName(job.metadata?.name)
    if (uuid === undefined) return undefined
    const record = this.#record(uuid)
    if (record.job === undefined || !isOlderObject(job, record.job)) {
      record.job = pruneJob(job)
    }
    return uuid
  }

  removeJob(job: KubernetesJob): string | undefined {
    const uuid = uuidInRescueName(job.metadata?.name)
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    if (record?.job?.metadata?.uid === job.metadata?.uid) delete record?.job
    return this.#dropEmpty(uuid)
  }

  putPod(pod: Pod): string | undefined {
    const uuid = uuidOfRescuePod(pod)
    if (uuid === undefined) return undefined
    const { pods } = this.#record(uuid)
    const uid = pod.metadata?.uid ?? ''
    const known = pods.get(uid)
    if (known === undefined || !isOlderObject(pod, known)) pods.set(uid, prunePod(pod))
    return uuid
  }

  removePod(pod: Pod): string | undefined {
    const uuid = uuidOfRescuePod(pod)
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    record?.pods.delete(pod.metadata?.uid ?? '')
    return this.#dropEmpty(uuid)
  }

  /** Drops the Jobs that are not in a list; returns the uuids of their jobs. */
  keepJobs(present: ReadonlySet<string | undefined>): string[] {
    return [...this.#records].flatMap(([uuid, { job }]) => {
      if (job === undefined || present.has(job.metadata?.uid)) return []
      return this.removeJob(job) ?? uuid
    })
  }

  /** The existing pods. */
  *pods(): Generator<Pod> {
    for (const { pods } of this.#records.values()) yield* pods.values()
  }

  /** The cluster went back in time: from now on no object counts as older than the cached one. */
  forgetVersions(): void {
    for (const record of this.#records.values()) {
      if (record.job !== undefined) record.job = withoutVersion(record.job)
      for (const [uid, pod] of record.pods) record.pods.set(uid, withoutVersion(pod))
    }
  }

  refuse(uuid: string, why: string): void {
    this.#record(uuid).refused = why
  }

  /** The job is gone. */
  forget(uuid: string): void {
    const record = this.#records.get(uuid)
    if (record === undefined) return
    delete record.refused
    this.#dropEmpty(uuid)
  }

  #record(uuid: string): RescueEntry {
    const known = this.#records.get(uuid)
    if (known !== undefined) return known
    const record: RescueEntry = { pods: new Map() }
    this.#records.set(uuid, record)
    return record
  }

  #dropEmpty(uuid: string | undefined): string | undefined {
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    if (uuid === undefined || record === undefined) return uuid
    if (record.job === undefined && record.pods.size === 0 && record.refused === undefined) {
      this.#records.delete(uuid)
    }
    return uuid
  }
}

/** The uuid of the job whose results the pod rescues; undefined for every other pod. */
export function uuidOfRescuePod(pod: Pod): string | undefined {
  const { ownerReferences, labels } = pod.metadata ?? {}
  const owner = ownerReferences?.[0]?.name ?? labels?.[controllerLabels.jobName]
  return uuidInRescueName(owner)
}

function withoutVersion<T extends KubernetesObject>(object: T): T {
  const { resourceVersion: _, ...metadata } = object.metadata ?? {}
  return { ...object, metadata }
}
