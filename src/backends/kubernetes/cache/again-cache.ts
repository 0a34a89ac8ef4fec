import { isOlderObject, type KubernetesJob } from '../api/objects.ts'
import { firstJobOf, hasOurLabel, mustStillBeThere } from '../job-metadata.ts'
import { againInName } from '../names.ts'
import { pruneJob } from './prune-objects.ts'

/** A further Job of a job. */
export interface CachedAgain {
  number: number
  job: KubernetesJob
  /** The watch no longer shows it though it cannot be gone: a client took its label away. */
  unlabelled: boolean
}

/**
 * The further Jobs of all jobs. Each change returns the uuid of the job to which the Job belongs.
 */
export class AgainCache {
  readonly #records = new Map<string, Map<number, CachedAgain>>()

  /** Those of the Job with that UID, not of an earlier job of the same uuid; by number. */
  get(uuid: string, firstUid: string | undefined): readonly CachedAgain[] {
    const all = this.#records.get(uuid)
    if (all === undefined) return []
    const own = [...all.values()].filter(({ job }) => firstJobOf(job) === firstUid)
    return own.sort((a, b) => a.number - b.number)
  }

  putJob(job: KubernetesJob): string | undefined {
    const named = againInName(job.metadata?.name)
    if (named === undefined) return undefined
    const { uuid, number } = named
    const all = this.#records.get(uuid) ?? new Map<number, CachedAgain>()
    const known = all.get(number)
    if (known === undefined || !isOlderObject(job, known.job)) {
      const unlabelled = !hasOurLabel(job)
      all.set(number, { number, job: pruneJob(job), unlabelled })
      this.#records.set(uuid, all)
    }
    return uuid
  }

  /** The watch no longer shows the Job. */
  loseJob(job: KubernetesJob): string | undefined {
    const known = this.#known(job)
    if (known === undefined || !mustStillBeThere(known.job)) return this.removeJob(job)
    known.unlabelled = true
    return againInName(job.metadata?.name)?.uuid
  }

  removeJob(job: KubernetesJob): string | undefined {
    const { uuid, number = 0 } = againInName(job.metadata?.name) ?? {}
    if (uuid === undefined || this.#known(job) === undefined) return uuid
    const all = this.#records.get(uuid)
    all?.delete(number)
    if (all?.size === 0) this.#records.delete(uuid)
    return uuid
  }

  /** Takes the Jobs that are not in a list as lost; returns the uuids of their jobs. */
  keepJobs(present: ReadonlySet<string | undefined>, wentBack: boolean): string[] {
    const all = [...this.#records.values()].flatMap((jobs) => [...jobs.values()])
    return all.flatMap(({ job }) => {
      if (present.has(job.metadata?.uid)) return []
      return (wentBack ? this.removeJob(job) : this.loseJob(job)) ?? []
    })
  }

  /** The cluster went back in time: from now on no object counts as older than the cached one. */
  forgetVersions(): void {
    for (const all of this.#records.values()) {
      for (const one of all.values()) {
        const { resourceVersion: _, ...metadata } = one.job.metadata ?? {}
        one.job = { ...one.job, metadata }
      }
    }
  }

  #known(job: KubernetesJob): CachedAgain | undefined {
    const { uuid = '', number = 0 } = againInName(job.metadata?.name) ?? {}
    const known = this.#records.get(uuid)?.get(number)
    return known?.job.metadata?.uid === job.metadata?.uid ? known : undefined
  }
}
