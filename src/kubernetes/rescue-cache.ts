import { controllerLabels, uuidInRescueName } from './names.ts'
import { isOlder, type Job, type KubernetesObject, type Pod } from './objects.ts'
import { slimJob, slimPod } from './slim.ts'

/** A rescue's Job, undefined where it is gone, and its pods that are there. */
export interface SeenRescue {
  job?: Job
  pods: readonly Pod[]
  /** Why the cluster makes none, for people. */
  refused?: string
}

interface Record {
  job?: Job
  pods: Map<string, Pod>
  refused?: string
}

/** What the watches show of rescues. Each change answers with the uuid of the job concerned, if it was a rescue's. */
export class RescueCache {
  readonly #records = new Map<string, Record>()

  /** What there is for the Job of that uid: one for an earlier job of its uuid is not meant. */
  get(uuid: string, jobUid: string | undefined): SeenRescue | undefined {
    const record = this.#records.get(uuid)
    if (record === undefined) return undefined
    const { job, pods, refused } = record
    const isOurs = job?.metadata?.ownerReferences?.[0]?.uid === jobUid
    // Pods count whoever's they are: they write under this job's uuid.
    return {
      pods: [...pods.values()],
      ...(job === undefined || !isOurs ? {} : { job }),
      ...(refused === undefined ? {} : { refused }),
    }
  }

  putJob(job: Job): string | undefined {
    const uuid = uuidInRescueName(job.metadata?.name)
    if (uuid === undefined) return undefined
    const record = this.#record(uuid)
    if (record.job === undefined || !isOlder(job, record.job)) {
      record.job = slimJob(job)
    }
    return uuid
  }

  removeJob(job: Job): string | undefined {
    const uuid = uuidInRescueName(job.metadata?.name)
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    if (record?.job?.metadata?.uid === job.metadata?.uid) delete record?.job
    return this.#swept(uuid)
  }

  putPod(pod: Pod): string | undefined {
    const uuid = uuidOfRescuePod(pod)
    if (uuid === undefined) return undefined
    const { pods } = this.#record(uuid)
    const uid = pod.metadata?.uid ?? ''
    const known = pods.get(uid)
    if (known === undefined || !isOlder(pod, known)) pods.set(uid, slimPod(pod))
    return uuid
  }

  removePod(pod: Pod): string | undefined {
    const uuid = uuidOfRescuePod(pod)
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    record?.pods.delete(pod.metadata?.uid ?? '')
    return this.#swept(uuid)
  }

  /** Drops the Jobs that a list doesn't have; gives the uuids concerned. */
  keepJobs(present: ReadonlySet<string | undefined>): string[] {
    return [...this.#records].flatMap(([uuid, { job }]) => {
      if (job === undefined || present.has(job.metadata?.uid)) return []
      return this.removeJob(job) ?? uuid
    })
  }

  /** Those that are there. */
  *pods(): Generator<Pod> {
    for (const { pods } of this.#records.values()) yield* pods.values()
  }

  /** The cluster was set back in time: nothing that comes counts as older than what is known. */
  forgetVersions(): void {
    for (const record of this.#records.values()) {
      if (record.job !== undefined) record.job = withoutVersion(record.job)
      for (const [uid, pod] of record.pods) record.pods.set(uid, withoutVersion(pod))
    }
  }

  refuse(uuid: string, why: string): void {
    this.#record(uuid).refused = why
  }

  /** The job is no longer there. */
  forget(uuid: string): void {
    const record = this.#records.get(uuid)
    if (record === undefined) return
    delete record.refused
    this.#swept(uuid)
  }

  #record(uuid: string): Record {
    const known = this.#records.get(uuid)
    if (known !== undefined) return known
    const record: Record = { pods: new Map() }
    this.#records.set(uuid, record)
    return record
  }

  #swept(uuid: string | undefined): string | undefined {
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    if (uuid === undefined || record === undefined) return uuid
    if (record.job === undefined && record.pods.size === 0 && record.refused === undefined) {
      this.#records.delete(uuid)
    }
    return uuid
  }
}

/** The uuid of the job whose results that pod rescues; undefined for every other pod. */
export function uuidOfRescuePod(pod: Pod): string | undefined {
  const { ownerReferences, labels } = pod.metadata ?? {}
  const owner = ownerReferences?.[0]?.name ?? labels?.[controllerLabels.jobName]
  return uuidInRescueName(owner)
}

function withoutVersion<T extends KubernetesObject>(object: T): T {
  const { resourceVersion: _, ...metadata } = object.metadata ?? {}
  return { ...object, metadata }
}
