import { setTimeout as sleep } from 'node:timers/promises'
import { finalEventTypes } from '../../job/event-type.ts'
import { isFinal, type Job } from '../../job/job.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'

const againMs = 1_000

/**
 * Announces state changes before a job's end to callbacks that ask for them, in order, by the
 * leader. Changes that happen while no API runs are not announced.
 */
export class StateEvents {
  readonly #leadership: Leadership
  readonly #log: Log
  readonly #announce: (job: Job) => Promise<void>
  readonly #closing = new AbortController()
  readonly #unsubscribe: () => void
  /** The newest state of each job whose callback asks for more than its end. */
  readonly #current = new Map<string, { job: Job; taken: string | undefined }>()
  /** The announcement under way for each job; never rejects. */
  readonly #tails = new Map<string, Promise<void>>()

  constructor(leadership: Leadership, log: Log, announce: (job: Job) => Promise<void>) {
    this.#leadership = leadership
    this.#log = log
    this.#announce = announce
    this.#unsubscribe = leadership.onChange((isLeader) => {
      if (isLeader) for (const uuid of this.#current.keys()) this.#take(uuid)
    })
  }

  watch({ uuid, job, deleted, request }: JobChange): void {
    if (job === undefined || deleted || isFinal(job.state)) {
      this.#current.delete(uuid)
      return
    }
    if (!wantsMore(request?.callback_events)) return
    this.#current.set(uuid, { job, taken: this.#current.get(uuid)?.taken })
    this.#take(uuid)
  }

  /** Resolves when the job's earlier states are announced: its end has to come after them. */
  async settled(uuid: string): Promise<void> {
    await this.#tails.get(uuid)
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    await Promise.all(this.#tails.values())
  }

  #take(uuid: string): void {
    const current = this.#current.get(uuid)
    if (current === undefined || !this.#leadership.isLeader()) return
    const { job, taken } = current
    const state = `${job.state} ${job.attempt?.number}`
    if (taken === state) return
    current.taken = state
    const before = this.#tails.get(uuid) ?? Promise.resolve()
    const tail = before
      .then(() => this.#untilAnnounced(job))
      .then((announced) => {
        // The next leader, perhaps this process again, announces it.
        const now = this.#current.get(uuid)
        if (!announced && now?.taken === state) now.taken = undefined
      })
      .finally(() => {
        if (this.#tails.get(uuid) === tail) this.#tails.delete(uuid)
      })
    this.#tails.set(uuid, tail)
  }

  async #untilAnnounced(job: Job): Promise<boolean> {
    const { signal } = this.#closing
    while (this.#leadership.isLeader() && !signal.aborted) {
      try {
        await this.#announce(job)
        return true
      } catch (error) {
        this.#log.warn(
          { job: job.job_uuid, error: messageOf(error) },
          "the event of a job's state can't be written yet; it is tried again",
        )
        await sleep(againMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return false
  }
}

/** Checks the type too: the request comes from an annotation, which users can edit. */
function wantsMore(events: unknown): boolean {
  return Array.isArray(events) && events.some((event) => !finalEventTypes.includes(event))
}
