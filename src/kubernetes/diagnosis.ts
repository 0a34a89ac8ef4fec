import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import { hasEnded, uploaderStatus, workerStatus } from './attempt.ts'
import { blockedByEvents, blockedByStatus, saidByUploader } from './blocked.ts'
import type { JobCache } from './cache.ts'
import { newestOf } from './disruptions.ts'
import { readTail } from './logs.ts'
import { isArchived, isCreating, stopOf } from './marks.ts'
import { type Pod, timeOf } from './objects.ts'
import { endOf } from './observe.ts'
import type { Noticed, SeenJob } from './seen-job.ts'

/** Waiting up to that long is nothing to ask about. */
const patienceMilliseconds = 5_000
const againMilliseconds = { events: 30_000, log: 10_000 }
/** A job that has just begun to be stored is likely to be looked at. */
const soonMilliseconds = { again: 5_000, within: 60_000 }
/** Kubelets repeat a warning about volumes at least that often while it holds. */
const freshMilliseconds = 180_000
const atOnce = 4

/** What is worth asking about a job that doesn't get on, and since when it doesn't. */
export type Question =
  | { ask: 'events'; of: string; pod?: Pod; since: number }
  | { ask: 'log'; pod: Pod; since: number }

export function questionOf({ job, pods }: SeenJob): Question | undefined {
  const isOver = stopOf(job) !== undefined || job.metadata?.deletionTimestamp !== undefined || isArchived(job)
  if (isOver || isCreating(job) || job.spec?.suspend === true) return undefined
  const newest = newestOf(pods)
  if (newest === undefined || hasEnded(newest)) {
    if (endOf(job, pods) !== undefined) return undefined
    return { ask: 'events', of: job.metadata?.uid ?? '', since: timeOf(job.metadata?.creationTimestamp) ?? 0 }
  }
  const { pod } = newest
  const uploader = uploaderStatus(pod)?.state?.running
  const worker = workerStatus(pod)?.state
  if (worker?.terminated !== undefined) {
    const since = timeOf(worker.terminated.finishedAt) ?? 0
    return uploader === undefined ? undefined : { ask: 'log', pod, since }
  }
  if (worker?.running !== undefined || blockedByStatus(pod) !== undefined) return undefined
  if (uploader !== undefined && uploaderStatus(pod)?.started !== true) {
    return { ask: 'log', pod, since: timeOf(uploader.startedAt) ?? 0 }
  }
  return {
    ask: 'events',
    of: pod.metadata?.uid ?? '',
    pod,
    since: timeOf(pod.metadata?.creationTimestamp) ?? 0,
  }
}

/**
 * Asks for what shows nowhere else, for jobs that wait: an exceeded quota and a missing volume are events, a store
 * out of reach stands in the uploader's log. One timer, few questions at once.
 */
export class Diagnosis {
  readonly #api: Api
  readonly #cache: JobCache
  readonly #log: Log
  readonly #due = new Map<string, { at: number; key: string }>()
  readonly #busy = new Set<Promise<void>>()
  readonly #unsubscribe: () => void
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #closed = false

  constructor(parts: { api: Api; cache: JobCache; log: Log }) {
    this.#api = parts.api
    this.#cache = parts.cache
    this.#log = parts.log
    this.#unsubscribe = parts.cache.subscribe((uuid) => this.#consider(uuid))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    clearTimeout(this.#timer)
    await Promise.all(this.#busy)
  }

  #consider(uuid: string): void {
    const seen = this.#cache.seen(uuid)
    const question = seen && questionOf(seen)
    if (question === undefined) {
      if (this.#due.delete(uuid)) this.#cache.notice(uuid, undefined)
      return
    }
    const key = keyOf(question)
    const standing = this.#due.get(uuid)
    if (standing?.key === key) return
    this.#due.set(uuid, { at: question.since + patienceMilliseconds, key })
    // What was found out about something else holds no longer.
    if (standing !== undefined) this.#cache.notice(uuid, undefined)
    this.#arm()
  }

  #arm(): void {
    const next = Math.min(...[...this.#due.values()].map(({ at }) => at))
    if (this.#closed || this.#busy.size >= atOnce || next === Infinity) return
    if (this.#timer !== undefined && this.#timerAt <= next) return
    clearTimeout(this.#timer)
    this.#timerAt = next
    this.#timer = setTimeout(() => this.#run(), Math.max(0, next - Date.now()))
  }

  #run(): void {
    this.#timer = undefined
    this.#timerAt = Infinity
    const now = Date.now()
    for (const [uuid, due] of this.#due) {
      if (this.#busy.size >= atOnce) break
      if (due.at > now) continue
      const seen = this.#cache.seen(uuid)
      const question = seen && questionOf(seen)
      if (question === undefined) {
        this.#due.delete(uuid)
        continue
      }
      due.at = now + pauseAfter(question, now)
      const work = this.#ask(uuid, question).finally(() => {
        this.#busy.delete(work)
        this.#arm()
      })
      this.#busy.add(work)
    }
    this.#arm()
  }

  async #ask(uuid: string, question: Question): Promise<void> {
    try {
      const noticed =
        question.ask === 'log' ? await this.#askLog(question.pod) : await this.#askEvents(question)
      // The job may have got on meanwhile.
      if (this.#due.get(uuid)?.key === keyOf(question)) this.#cache.notice(uuid, noticed)
    } catch (error) {
      this.#log.debug({ job: uuid, problem: messageOf(error) }, 'what keeps the job from starting is unknown')
    }
  }

  async #askLog(pod: Pod): Promise<Noticed> {
    const tail = await readTail(this.#api, pod, { container: 'uploader', tail: 20 })
    return saidByUploader(tail, Date.now() - 60_000)
  }

  async #askEvents({ of, pod, since }: Question & { ask: 'events' }): Promise<Noticed> {
    const { items } = await this.#api.events.list({
      fieldSelector: `involvedObject.uid=${of},type=Warning`,
      limit: 200,
    })
    const oldest = pod === undefined ? since - 1000 : Date.now() - freshMilliseconds
    const blocked = blockedByEvents(items, { pod, oldest })
    return blocked === undefined ? {} : { blocked }
  }
}

function pauseAfter({ ask, since }: Question, now: number): number {
  const isNew = ask === 'log' && now - since < soonMilliseconds.within
  return isNew ? soonMilliseconds.again : againMilliseconds[ask]
}

function keyOf(question: Question): string {
  return question.ask === 'log' ? `log ${question.pod.metadata?.uid}` : `events ${question.of}`
}
