import type { LiveJob } from '../../../job/backend.ts'
import { defined } from '../../../util/objects.ts'
import { isOlderObject, isOlderVersion, type KubernetesJob, type Pod } from '../api/objects.ts'
import type { ListVersion } from '../api/watch.ts'
import { hasOurLabel, isCreating, isOurs, mustStillBeThere } from '../job-metadata.ts'
import { againInName } from '../names.ts'
import { AgainCache } from './again-cache.ts'
import { CacheEntries, type OnFailure } from './cache-entries.ts'
import {
  type CachedJob,
  type CacheEntry,
  type Diagnosis,
  dropJob,
  liveJob,
  mayStillRun,
} from './cached-job.ts'
import { DeletedObjects } from './deleted-objects.ts'
import { pruneJob, prunePod, uuidOfJob, uuidOfPod, withIdentity } from './prune-objects.ts'
import { RescueCache } from './rescue-cache.ts'

/**
 * The cluster's jobs in their newest known state, from watches and from answers to our own calls.
 * Deleted pods are kept with their job: their last state is the attempt's end.
 */
export class JobCache {
  readonly #entries: CacheEntries
  readonly #deleted = new DeletedObjects()
  readonly #rescues = new RescueCache()
  readonly #agains = new AgainCache()

  /** `onFailure` gets the errors of single objects; default: they are thrown. */
  constructor(onFailure?: OnFailure) {
    this.#entries = new CacheEntries(this.#agains, onFailure)
  }

  subscribe(listener: (uuid: string) => void): () => void {
    return this.#entries.subscribe(listener)
  }

  uuids(): Iterable<string> {
    return this.#entries.uuids()
  }

  /** Also a job whose creation is not complete. */
  cachedJob(uuid: string): CachedJob | undefined {
    const seen = this.#seen(uuid)
    return seen && { uuid, ...seen, unlabelled: this.#entries.get(uuid)?.unlabelled === true }
  }

  /** Undefined too while the creation is not complete: it may still be undone. */
  get(uuid: string): LiveJob | undefined {
    const entry = this.#entries.get(uuid)
    if (entry?.job === undefined || isCreating(entry.job)) return undefined
    if (entry.live !== undefined) return entry.live
    const seen = this.#seen(uuid)
    if (seen === undefined) return undefined
    entry.live = liveJob(uuid, { ...seen, ...entry.diagnosis?.found })
    return entry.live
  }

  *list(): Generator<LiveJob> {
    for (const uuid of this.#entries.uuids()) {
      const job = this.#entries.try(uuid, () => this.get(uuid))
      if (job !== undefined) yield job
    }
  }

  /** Existing pods, with those of rescues and those whose Job is gone. */
  *livePods(): Generator<Pod> {
    yield* this.#rescues.pods()
    for (const { pods } of this.#entries.values()) {
      for (const { pod, goneAt } of pods.values()) if (goneAt === undefined) yield pod
    }
  }

  putJob(job: KubernetesJob): void {
    if (againInName(job.metadata?.name) !== undefined) {
      if (!this.#deleted.has(job)) this.#entries.changed(this.#agains.putJob(job))
      return
    }
    this.#entries.changed(this.#rescues.putJob(job))
    const uuid = uuidOfJob(job)
    if (uuid === undefined || !isOurs(job) || this.#deleted.has(job)) return
    const entry = this.#entries.getOrCreate(uuid)
    if (entry.job !== undefined && isOlderObject(job, entry.job)) return
    entry.job = withIdentity(pruneJob(job), entry.job)
    entry.unlabelled = !hasOurLabel(job)
    this.#entries.changed(uuid)
  }

  /** The watch no longer shows the Job. */
  loseJob(job: KubernetesJob): void {
    if (againInName(job.metadata?.name) !== undefined) {
      this.#entries.changed(this.#agains.loseJob(job))
      return
    }
    const uuid = uuidOfJob(job)
    const entry = this.#entries.get(uuid)
    const known = entry?.job
    if (uuid === undefined || known?.metadata?.uid !== job.metadata?.uid || !mustStillBeThere(known)) {
      this.removeJob(job)
    } else if (entry !== undefined) {
      entry.unlabelled = true
      this.#entries.changed(uuid)
    }
  }

  removeJob(job: KubernetesJob): void {
    this.#entries.changed(this.#rescues.removeJob(job) ?? this.#agains.removeJob(job))
    const uuid = uuidOfJob(job)
    const entry = this.#entries.get(uuid)
    if (uuid === undefined || entry === undefined) return
    this.#deleted.add(job)
    if (entry.job?.metadata?.uid !== job.metadata?.uid) return
    dropJob(entry)
    this.#rescues.forget(uuid)
    this.#entries.changed(uuid)
  }

  putPod(pod: Pod): void {
    if (this.#deleted.has(pod)) return
    this.#entries.changed(this.#rescues.putPod(pod))
    const uuid = uuidOfPod(pod)
    if (uuid === undefined) return
    const entry = this.#entries.getOrCreate(uuid)
    const uid = pod.metadata?.uid ?? ''
    const known = entry.pods.get(uid)
    if (known !== undefined && (known.goneAt !== undefined || isOlderObject(pod, known.pod))) return
    const unlabelled = !hasOurLabel(pod)
    entry.pods.set(uid, { pod: prunePod(pod), ...(unlabelled && { unlabelled }) })
    this.#entries.changed(uuid)
  }

  /** All pods of a job, listed after its Job was in the state that `key` names (podsKey). */
  knowPods(uuid: string, key: string, pods: readonly Pod[]): void {
    this.#entries.atOnce(() => pods.map((pod) => this.putPod(pod)))
    const entry = this.#entries.get(uuid)
    if (entry === undefined) return
    entry.podsKnownFor = key
    const present = new Set(pods.map((pod) => pod.metadata?.uid))
    for (const [uid, { pod, goneAt, unlabelled }] of entry.pods) {
      if (unlabelled && goneAt === undefined && !present.has(uid)) this.removePod(pod)
    }
    this.#entries.changed(uuid)
  }

  /** The watch no longer shows the pod. */
  losePod(pod: Pod): void {
    const uuid = uuidOfPod(pod)
    const entry = this.#entries.get(uuid)
    const uid = pod.metadata?.uid ?? ''
    const known = entry?.pods.get(uid)
    const newest = known !== undefined && isOlderObject(pod, known.pod) ? known.pod : prunePod(pod)
    if (!uuid || !entry?.job || known?.goneAt !== undefined || !mayStillRun(pod)) this.removePod(pod)
    else {
      entry.pods.set(uid, { pod: newest, unlabelled: true })
      this.#entries.changed(uuid)
    }
  }

  removePod(pod: Pod): void {
    this.#deleted.add(pod)
    this.#entries.changed(this.#rescues.removePod(pod))
    const uuid = uuidOfPod(pod)
    if (uuid === undefined) return
    const entry = this.#entries.getOrCreate(uuid)
    const uid = pod.metadata?.uid ?? ''
    if (entry.job === undefined) entry.pods.delete(uid)
    else entry.pods.set(uid, { pod: prunePod(pod), goneAt: Date.now() })
    this.#entries.changed(uuid)
  }

  /**
   * Replaces all Jobs. Missing ones were deleted meanwhile, unless they are newer than the list.
   */
  listJobs(jobs: readonly KubernetesJob[], { resourceVersion, wentBack }: ListVersion): void {
    if (wentBack) this.#forgetVersions()
    const present = new Set(jobs.map((job) => job.metadata?.uid))
    const others = [...this.#rescues.keepJobs(present), ...this.#agains.keepJobs(present, wentBack)]
    for (const uuid of others) this.#entries.changed(uuid)
    for (const entry of [...this.#entries.values()]) {
      const { job } = entry
      if (job === undefined) continue
      const isNewer = !wentBack && isOlderVersion(resourceVersion, job.metadata?.resourceVersion)
      if (present.has(job.metadata?.uid)) {
        if (wentBack) delete entry.job
      } else if (wentBack) this.removeJob(job)
      else if (!isNewer) this.loseJob(job)
    }
    for (const job of jobs) this.#entries.try(job.metadata?.name, () => this.putJob(job))
  }

  listPods(pods: readonly Pod[], { wentBack }: ListVersion): void {
    this.#entries.atOnce(() => {
      if (wentBack) this.#forgetVersions()
      const present = new Set(pods.map((pod) => pod.metadata?.uid))
      for (const pod of [...this.#rescues.pods()]) if (!present.has(pod.metadata?.uid)) this.removePod(pod)
      for (const entry of [...this.#entries.values()]) {
        for (const [uid, { pod, goneAt }] of entry.pods) {
          const isMissing = goneAt === undefined && !present.has(uid)
          if (isMissing && wentBack) this.removePod(pod)
          else if (isMissing) this.losePod(pod)
          else if (wentBack) entry.pods.delete(uid)
        }
      }
      for (const pod of pods) this.#entries.try(pod.metadata?.name, () => this.putPod(pod))
    })
  }

  /**
   * The answer to the query of that key (queryKey). It is dropped when a change of the job leads to
   * another query.
   */
  diagnose(uuid: string, key: string, found: Diagnosis): void {
    const entry = this.#entries.get(uuid)
    if (entry === undefined || this.#entries.currentQuery(uuid) !== key) return
    const diagnosis = { key, found }
    if (JSON.stringify(entry.diagnosis) === JSON.stringify(diagnosis)) return
    entry.diagnosis = diagnosis
    this.#entries.changed(uuid)
  }

  /** What the worker of the pod says of itself. */
  hear(uuid: string, word: NonNullable<CacheEntry['word']>): void {
    const entry = this.#entries.get(uuid)
    if (entry === undefined || JSON.stringify(entry.word) === JSON.stringify(word)) return
    entry.word = word
    this.#entries.changed(uuid)
  }

  /** The cluster refuses a rescue for the job for good. */
  refuseRescue(uuid: string, why: string): void {
    this.#rescues.refuse(uuid, why)
    this.#entries.changed(uuid)
  }

  #seen(uuid: string): Omit<CachedJob, 'uuid' | 'unlabelled'> | undefined {
    const seen = this.#entries.seen(uuid)
    const word = this.#entries.get(uuid)?.word
    return seen && { ...seen, ...defined({ word, rescue: this.#rescues.get(uuid, seen.job.metadata?.uid) }) }
  }

  #forgetVersions(): void {
    this.#deleted.clear()
    this.#rescues.forgetVersions()
    this.#agains.forgetVersions()
  }
}
