import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Api } from './api.ts'
import { blockedByEvents, saidByUploader } from './blocked.ts'
import type { JobCache } from './cache.ts'
import { readTail } from './logs.ts'
import type { Event, Pod } from './objects.ts'
import {
  type EventsQuestion,
  firstAskedAt,
  keyOf,
  pauseAfter,
  type Question,
  questionOf,
} from './question.ts'
import type { Noticed } from './seen-job.ts'
import { allWarnings, warningsOf } from './warnings.ts'

/** Kubelets repeat a warning about volumes at least that often while it holds. */
const freshMilliseconds = 180_000
const atOnce = 4
/** More questions about events than that, within that time, are answered by one look at all of them. */
const eventsQuestions = 8
const eventsMilliseconds = 5_000

/**
 * Asks for what shows nowhere else, for jobs that wait: an exceeded quota and a missing volume are events, a store
 * out of reach stands in the uploader's log. One timer, few questions at once. Where many wait for the same, one look
 * at all events answers for all: the API server reads a namespace's events whole for every question about one object.
 */
export class Diagnosis {
  readonly #api: Api
  readonly #cache: JobCache
  readonly #log: Log
  readonly #due = new Map<string, Due>()
  readonly #busy = new Set<Promise<void>>()
  #unsubscribe: () => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  /** How many questions about events may still be asked one by one until then. */
  #events = { until: 0, left: eventsQuestions }
  #closed = false

  constructor(parts: { api: Api; cache: JobCache; log: Log }) {
    this.#api = parts.api
    this.#cache = parts.cache
    this.#log = parts.log
  }

  /** Jobs and pods have been listed once: before that every job would seem to wait for its pod. */
  start(): void {
    if (this.#closed) return
    this.#unsubscribe = this.#cache.subscribe((uuid) => this.#consider(uuid))
    for (const uuid of this.#cache.uuids()) this.#consider(uuid)
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
    const at = firstAskedAt(question)
    this.#due.set(uuid, { at, key })
    // What was found out about something else holds no longer.
    if (standing !== undefined) this.#cache.notice(uuid, undefined)
    this.#arm(at)
  }

  #arm(next: number): void {
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
    const asked = this.#askable(now)
    const aboutEvents = this.#budgeted(asked.filter(isAboutEvents), now)
    for (const one of [...asked.filter((one) => !isAboutEvents(one)), ...aboutEvents]) {
      if (this.#busy.size >= atOnce) break
      if (isAboutEvents(one)) this.#events.left -= 1
      this.#putOff(one, now)
      this.#do(this.#ask(one))
    }
    this.#arm(this.#next(now))
  }

  /** Those questions about events that may be asked one by one now. */
  #budgeted(asked: readonly AskedEvents[], now: number): readonly AskedEvents[] {
    if (asked.length === 0) return asked
    if (now >= this.#events.until) this.#events = { until: now + eventsMilliseconds, left: eventsQuestions }
    const { left } = this.#events
    if (asked.length <= left) return asked
    if (left === eventsQuestions) {
      this.#events.left = 0
      for (const one of asked) this.#putOff(one, now)
      this.#do(this.#askAllEvents(asked))
    }
    return []
  }

  /** What is due; that of which nothing is to be asked any more is dropped. */
  #askable(now: number): Asked[] {
    const asked: Asked[] = []
    for (const [uuid, { at }] of this.#due) {
      if (at > now) continue
      const seen = this.#cache.seen(uuid)
      const question = seen && questionOf(seen)
      if (question === undefined) this.#due.delete(uuid)
      else asked.push({ uuid, question })
    }
    return asked
  }

  #putOff({ uuid, question }: Asked, now: number): void {
    this.#due.set(uuid, { at: now + pauseAfter(question, now), key: keyOf(question) })
  }

  /** When the next is due; what is due already waits for its turn among the questions about events. */
  #next(now = 0): number {
    let next = Infinity
    for (const { at } of this.#due.values()) {
      next = Math.min(next, at > now ? at : Math.max(at, this.#events.until))
    }
    return next
  }

  #do(work: Promise<void>): void {
    const done = work.finally(() => {
      this.#busy.delete(done)
      this.#arm(this.#next())
    })
    this.#busy.add(done)
  }

  async #ask({ uuid, question }: Asked): Promise<void> {
    try {
      const noticed =
        question.ask === 'log'
          ? await this.#askLog(question.pod)
          : noticedIn(await warningsOf(this.#api, question.of), question)
      this.#notice({ uuid, question }, noticed)
    } catch (error) {
      this.#log.debug({ job: uuid, problem: messageOf(error) }, 'what keeps the job from starting is unknown')
    }
  }

  async #askAllEvents(asked: readonly AskedEvents[]): Promise<void> {
    try {
      const warnings = await allWarnings(this.#api, new Set(asked.map(({ question }) => question.of)))
      for (const one of asked) this.#notice(one, noticedIn(warnings.get(one.question.of) ?? [], one.question))
    } catch (error) {
      const about = { jobs: asked.length, problem: messageOf(error) }
      this.#log.debug(about, 'what keeps jobs from starting is unknown')
    }
  }

  /** The job may have got on meanwhile. */
  #notice({ uuid, question }: Asked, noticed: Noticed): void {
    if (this.#due.get(uuid)?.key === keyOf(question)) this.#cache.notice(uuid, noticed)
  }

  async #askLog(pod: Pod): Promise<Noticed> {
    const tail = await readTail(this.#api, pod, { container: 'uploader', tail: 20 })
    return saidByUploader(tail, Date.now() - 60_000)
  }
}

interface Due {
  at: number
  key: string
}

interface Asked {
  uuid: string
  question: Question
}

interface AskedEvents extends Asked {
  question: EventsQuestion
}

function isAboutEvents(asked: Asked): asked is AskedEvents {
  return asked.question.ask === 'events'
}

function noticedIn(events: readonly Event[], { pod, since }: EventsQuestion): Noticed {
  const oldest = pod === undefined ? since - 1000 : Date.now() - freshMilliseconds
  const blocked = blockedByEvents(events, { pod, oldest })
  return blocked === undefined ? {} : { blocked }
}
