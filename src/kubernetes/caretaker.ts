import type { RemovalRules } from '../job/removal.ts'
import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import { isTerminal, type SeenPod } from './attempt.ts'
import type { JobCache } from './cache.ts'
import { recordDisruptions, unrecordedDisruptions } from './disruptions.ts'
import { archivedAt, hasFinalizer, isArchived, isCreating, stopOf } from './marks.ts'
import { jobLabels } from './names.ts'
import { type Job, timeOf } from './objects.ts'
import { dropFinalizer, removeUnfinished } from './removal.ts'
import { endRescue, isUnwanted } from './rescue.ts'
import type { SeenJob } from './seen-job.ts'
import { endJob, endPods, graceOf, needsDeletion } from './stop.ts'

/** A creation that isn't complete after that time was given up. */
const creationMilliseconds = 60_000
/** Whoever wrote a decision down is given that long to carry it out. */
const stopMilliseconds = 5_000
/** Duties that failed, or that come with time alone, are looked for that often. */
const sweepMilliseconds = 10_000

export type Duty =
  | 'find'
  | 'remove-unfinished'
  | 'let-go'
  | 'record-disruption'
  | 'end-rescue'
  | 'finish-stop'
  | 'end-pods'
  | 'end-repeat'

/** Duties that are not the Lease holder's alone. */
const everyones: ReadonlySet<Duty> = new Set(['find', 'record-disruption'])

/** What somebody left undone on a job, or what another one's deletion asks for. */
export function dutyOf({ job, pods, lost, rescue }: SeenJob, now: number): Duty | undefined {
  if (lost) return 'find'
  const deleted = job.metadata?.deletionTimestamp !== undefined
  if (isCreating(job)) {
    if (deleted) return 'let-go'
    const createdAt = timeOf(job.metadata?.creationTimestamp) ?? now
    return now - createdAt > creationMilliseconds ? 'remove-unfinished' : undefined
  }
  if (deleted && isArchived(job) && hasFinalizer(job)) return 'let-go'
  if (!deleted && isRepeated(job, pods)) return 'end-repeat'
  if (isUnwanted(job, rescue)) return 'end-rescue'
  const stop = stopOf(job)
  if (!deleted && stop === undefined && unrecordedDisruptions(job, pods).length > 0)
    return 'record-disruption'
  if (stop !== undefined && now - stop.at < stopMilliseconds) return undefined
  if (stop !== undefined && !deleted) return 'finish-stop'
  const grace = graceOf(job)
  const lives = pods.some(({ pod, goneAt }) => goneAt === undefined && needsDeletion(pod, grace))
  return deleted && lives ? 'end-pods' : undefined
}

/** Kubernetes made another attempt of a job that had ended. */
function isRepeated(job: Job, pods: readonly SeenPod[]): boolean {
  const archived = archivedAt(job)
  if (archived === undefined) return false
  return pods.some(
    ({ pod, goneAt }) =>
      goneAt === undefined && !isTerminal(pod) && (timeOf(pod.metadata?.creationTimestamp) ?? 0) > archived,
  )
}

/**
 * Does these duties where this process holds the Lease; each finds for itself what it has lost, and whoever sees a
 * disruption first writes it down: the pod may be gone before there is another holder.
 */
export class Caretaker {
  readonly #api: Api
  readonly #cache: JobCache
  readonly #holdsLease: () => boolean
  readonly #rules: RemovalRules
  readonly #log: Log
  /** UIDs of Jobs of which a dry run has told: each once. */
  readonly #told = new Set<string>()
  readonly #busy = new Map<string, Promise<void>>()
  readonly #timer: NodeJS.Timeout
  readonly #unsubscribe: () => void

  constructor(parts: {
    api: Api
    cache: JobCache
    holdsLease: () => boolean
    rules: RemovalRules
    log: Log
  }) {
    this.#api = parts.api
    this.#cache = parts.cache
    this.#holdsLease = parts.holdsLease
    this.#rules = parts.rules
    this.#log = parts.log
    this.#unsubscribe = parts.cache.subscribe((uuid) => this.#look(uuid))
    this.#timer = setInterval(() => this.sweep(), sweepMilliseconds).unref()
  }

  sweep(): void {
    for (const uuid of this.#cache.uuids()) this.#look(uuid)
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    clearInterval(this.#timer)
    await Promise.all(this.#busy.values())
  }

  #look(uuid: string): void {
    if (this.#busy.has(uuid)) return
    const seen = this.#cache.seen(uuid)
    const duty = seen && dutyOf(seen, Date.now())
    if (seen === undefined || duty === undefined || (!everyones.has(duty) && !this.#holdsLease())) return
    const work = this.#perform(duty, seen)
      .catch((error: unknown) => this.#log.warn({ error, job: uuid, duty }, 'a duty is put off'))
      .finally(() => this.#busy.delete(uuid))
    this.#busy.set(uuid, work)
  }

  async #perform(duty: Duty, { uuid, job, pods, rescue }: SeenJob): Promise<void> {
    const { name = '', uid = '' } = job.metadata ?? {}
    if (duty === 'remove-unfinished') return await this.#removeUnfinished(uuid, job)
    this.#log.info({ job: uuid, duty }, 'doing a duty')
    switch (duty) {
      case 'find':
        await this.#find(uuid, job)
        return
      case 'let-go':
        await dropFinalizer(this.#api, name, uid)
        return
      case 'record-disruption': {
        const recorded = await recordDisruptions(this.#api, job, unrecordedDisruptions(job, pods))
        if (recorded !== undefined) this.#cache.putJob(recorded)
        return
      }
      case 'end-rescue':
        if (rescue !== undefined) await endRescue(this.#api, rescue)
        return
      case 'finish-stop':
      case 'end-repeat':
        await endJob(this.#api, job)
        return
      case 'end-pods':
        await endPods(this.#api, job)
    }
  }

  async #removeUnfinished(uuid: string, job: Job): Promise<void> {
    const { uid = '', creationTimestamp } = job.metadata ?? {}
    if (this.#rules.dryRun) {
      if (this.#told.has(uid)) return
      this.#told.add(uid)
    } else if (!(await removeUnfinished(this.#api, job))) return
    const why = `its creation began at ${creationTimestamp} and was never completed`
    this.#rules.tell({ kind: 'creation', job: uuid, why, objects: 1, bytes: 0 })
  }

  /** Gives a Job whose label was taken away the label back: without it no watch would show it again. */
  async #find(uuid: string, job: Job): Promise<void> {
    const { name = '', uid = '' } = job.metadata ?? {}
    const now = await this.#api.jobs.get(name)
    if (now === undefined || now.metadata?.uid !== uid) {
      this.#cache.removeJob(job)
      return
    }
    this.#cache.putJob(await this.#api.jobs.merge(name, { metadata: { uid, labels: jobLabels(uuid) } }))
  }
}
