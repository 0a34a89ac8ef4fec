import type { LiveJob } from '../job/backend.ts'
import { Deletions } from './deletions.ts'
import { isCreating, isOurs, mustStillBeThere } from './marks.ts'
import { managedBy } from './names.ts'
import { isOlder, isOlderVersion, type Job, type Pod } from './objects.ts'
import { RescueCache, type SeenRescue } from './rescue-cache.ts'
import { type JobRecord, liveJob, mayStillRun, type Noticed, podsOf, type SeenJob } from './seen-job.ts'
import { slimJob, slimPod, uuidOfJob, uuidOfPod, withIdentity } from './slim.ts'
import type { SeenList } from './watch.ts'

/**
 * All that is known of the cluster's jobs, from watches and from answers to our own calls, whichever is newer.
 * Pods that are gone are kept with their job: their last state is the attempt's end.
 */
export class JobCache {
  readonly #records = new Map<string, JobRecord>()
  readonly #listeners = new Set<(uuid: string) => void>()
  readonly #deleted = new Deletions()
  readonly #rescues = new RescueCache()
  readonly #onFailure: (error: unknown, name: string | undefined) => void

  /** `onFailure` is told of what can't be worked with, by the object's name or the job's; without it that is thrown. */
  constructor(onFailure: (error: unknown, name: string | undefined) => void = raise) {
    this.#onFailure = onFailure
  }

  subscribe(listener: (uuid: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  uuids(): Iterable<string> {
    return this.#records.keys()
  }

  /** A Job, also one whose creation isn't complete. */
  seen(uuid: string): SeenJob | undefined {
    const record = this.#records.get(uuid)
    if (record?.job === undefined) return undefined
    const { job } = record
    return { uuid, job, ...podsOf(record, job), lost: record.lost === true, ...this.#rescueOf(uuid, job) }
  }

  /** Undefined too while a creation isn't complete: it may still be taken back. */
  get(uuid: string): LiveJob | undefined {
    const record = this.#records.get(uuid)
    if (record?.job === undefined || isCreating(record.job)) return undefined
    const { job, noticed } = record
    record.live ??= liveJob(uuid, job, { ...podsOf(record, job), ...noticed, ...this.#rescueOf(uuid, job) })
    return record.live
  }

  *list(): Generator<LiveJob> {
    for (const uuid of this.#records.keys()) {
      const job = this.#try(uuid, () => this.get(uuid))
      if (job !== undefined) yield job
    }
  }

  /** Pods that are there, those of rescues and those included whose Job is gone. */
  *livePods(): Generator<Pod> {
    yield* this.#rescues.pods()
    for (const { pods } of this.#records.values()) {
      for (const { pod, goneAt } of pods.values()) if (goneAt === undefined) yield pod
    }
  }

  putJob(job: Job): void {
    this.#rescueChanged(this.#rescues.putJob(job))
    const uuid = uuidOfJob(job)
    if (uuid === undefined || !isOurs(job) || this.#deleted.has(job)) return
    const record = this.#record(uuid)
    if (record.job !== undefined && isOlder(job, record.job)) return
    record.job = withIdentity(slimJob(job), record.job)
    record.lost = job.metadata?.labels?.[managedBy.label] !== managedBy.value
    this.#changed(uuid, record)
  }

  /** The watch shows it no more. */
  loseJob(job: Job): void {
    const uuid = uuidOfJob(job)
    const record = this.#records.get(uuid ?? '')
    const known = record?.job
    if (uuid === undefined || known?.metadata?.uid !== job.metadata?.uid || !mustStillBeThere(known)) {
      this.removeJob(job)
    } else if (record !== undefined) {
      record.lost = true
      this.#changed(uuid, record)
    }
  }

  removeJob(job: Job): void {
    this.#rescueChanged(this.#rescues.removeJob(job))
    const uuid = uuidOfJob(job)
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    if (uuid === undefined || record === undefined) return
    this.#deleted.add(job)
    if (record.job?.metadata?.uid !== job.metadata?.uid) return
    delete record.job
    delete record.noticed
    delete record.lost
    this.#rescues.forget(uuid)
    for (const [uid, { goneAt, lost }] of record.pods)
      if (goneAt !== undefined || lost) record.pods.delete(uid)
    this.#changed(uuid, record)
  }

  putPod(pod: Pod): void {
    if (this.#deleted.has(pod)) return
    this.#rescueChanged(this.#rescues.putPod(pod))
    const uuid = uuidOfPod(pod)
    if (uuid === undefined) return
    const record = this.#record(uuid)
    const uid = pod.metadata?.uid ?? ''
    const known = record.pods.get(uid)
    if (known !== undefined && (known.goneAt !== undefined || isOlder(pod, known.pod))) return
    const lost = pod.metadata?.labels?.[managedBy.label] !== managedBy.value
    record.pods.set(uid, { pod: slimPod(pod), ...(lost ? { lost } : {}) })
    this.#changed(uuid, record)
  }

  /** All pods of a job, asked for after its Job was as `key` says (podsKey). */
  knowPods(uuid: string, key: string, pods: readonly Pod[]): void {
    for (const pod of pods) this.putPod(pod)
    const record = this.#records.get(uuid)
    if (record === undefined) return
    record.podsKnownFor = key
    const present = new Set(pods.map((pod) => pod.metadata?.uid))
    for (const [uid, { pod, goneAt, lost }] of record.pods) {
      if (lost && goneAt === undefined && !present.has(uid)) this.removePod(pod)
    }
    this.#changed(uuid, record)
  }

  /** The watch shows it no more. */
  losePod(pod: Pod): void {
    const uuid = uuidOfPod(pod)
    const record = this.#records.get(uuid ?? '')
    const uid = pod.metadata?.uid ?? ''
    const known = record?.pods.get(uid)
    const newest = known !== undefined && isOlder(pod, known.pod) ? known.pod : slimPod(pod)
    if (!uuid || !record?.job || known?.goneAt !== undefined || !mayStillRun(pod)) this.removePod(pod)
    else {
      record.pods.set(uid, { pod: newest, lost: true })
      this.#changed(uuid, record)
    }
  }

  removePod(pod: Pod): void {
    this.#deleted.add(pod)
    this.#rescueChanged(this.#rescues.removePod(pod))
    const uuid = uuidOfPod(pod)
    if (uuid === undefined) return
    const record = this.#record(uuid)
    const uid = pod.metadata?.uid ?? ''
    if (record.job === undefined) record.pods.delete(uid)
    else record.pods.set(uid, { pod: slimPod(pod), goneAt: Date.now() })
    this.#changed(uuid, record)
  }

  /** Replaces all Jobs: those that are missing were deleted unseen, but for those that are newer than the list. */
  listJobs(jobs: readonly Job[], { resourceVersion, wentBack }: SeenList): void {
    if (wentBack) this.#forgetVersions()
    const present = new Set(jobs.map((job) => job.metadata?.uid))
    for (const uuid of this.#rescues.keepJobs(present)) this.#rescueChanged(uuid)
    for (const record of [...this.#records.values()]) {
      const { job } = record
      if (job === undefined) continue
      const isNewer = !wentBack && isOlderVersion(resourceVersion, job.metadata?.resourceVersion)
      if (present.has(job.metadata?.uid)) {
        if (wentBack) delete record.job
      } else if (wentBack) this.removeJob(job)
      else if (!isNewer) this.loseJob(job)
    }
    for (const job of jobs) this.#try(job.metadata?.name, () => this.putJob(job))
  }

  listPods(pods: readonly Pod[], { wentBack }: SeenList): void {
    if (wentBack) this.#forgetVersions()
    const present = new Set(pods.map((pod) => pod.metadata?.uid))
    for (const pod of [...this.#rescues.pods()]) if (!present.has(pod.metadata?.uid)) this.removePod(pod)
    for (const record of [...this.#records.values()]) {
      for (const [uid, { pod, goneAt }] of record.pods) {
        const isMissing = goneAt === undefined && !present.has(uid)
        if (isMissing && wentBack) this.removePod(pod)
        else if (isMissing) this.losePod(pod)
        else if (wentBack) record.pods.delete(uid)
      }
    }
    for (const pod of pods) this.#try(pod.metadata?.name, () => this.putPod(pod))
  }

  /** What keeps a job from getting on, and how far it is; undefined: nothing any more. */
  notice(uuid: string, noticed: Noticed | undefined): void {
    const record = this.#records.get(uuid)
    if (record === undefined || JSON.stringify(record.noticed) === JSON.stringify(noticed)) return
    if (noticed === undefined) delete record.noticed
    else record.noticed = noticed
    this.#changed(uuid, record)
  }

  /** The cluster makes no rescue for that job, and won't. */
  refuseRescue(uuid: string, why: string): void {
    this.#rescues.refuse(uuid, why)
    this.#rescueChanged(uuid)
  }

  #rescueOf(uuid: string, job: Job): { rescue?: SeenRescue } {
    const rescue = this.#rescues.get(uuid, job.metadata?.uid)
    return rescue === undefined ? {} : { rescue }
  }

  #rescueChanged(uuid: string | undefined): void {
    const record = uuid === undefined ? undefined : this.#records.get(uuid)
    if (uuid !== undefined && record !== undefined) this.#changed(uuid, record)
  }

  #record(uuid: string): JobRecord {
    const known = this.#records.get(uuid)
    if (known !== undefined) return known
    const record: JobRecord = { pods: new Map() }
    this.#records.set(uuid, record)
    return record
  }

  #changed(uuid: string, record: JobRecord): void {
    delete record.live
    if (record.job === undefined && record.pods.size === 0) this.#records.delete(uuid)
    for (const listener of this.#listeners) this.#try(uuid, () => listener(uuid))
  }

  /** One object's failure stays its own. */
  #try<T>(name: string | undefined, action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      this.#onFailure(error, name)
      return undefined
    }
  }

  #forgetVersions(): void {
    this.#deleted.clear()
    this.#rescues.forgetVersions()
  }
}

function raise(error: unknown): never {
  throw error
}
