import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import { finalEventTypes } from '../../job/event-type.ts'
import { isFinal, type Job } from '../../job/job.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import type { Log } from '../../log.ts'
import type { Lease } from '../outbox/sender.ts'

const againMs = 1_000

/**
 * Announces what happens to jobs before their end, where somebody wants to hear of it: in the order in which it
 * happened, by the Lease's holder. What a job goes through while no API runs is not announced.
 */
export class StateEvents {
  readonly #lease: Lease
  readonly #log: Log
  readonly #announce: (job: Job) => Promise<void>
  readonly #closing = new AbortController()
  readonly #endLease: () => void
  /** The last change of each job that somebody wants to hear more of. */
  readonly #current = new Map<string, { job: Job; taken: string | undefined }>()
  /** What is being announced of each job; never rejects. */
  readonly #tails = new Map<string, Promise<void>>()

  constructor(lease: Lease, log: Log, announce: (job: Job) => Promise<void>) {
    this.#lease = lease
    this.#log = log
    this.#announce = announce
    this.#endLease = lease.onLease((held) => {
      if (held) for (const uuid of this.#current.keys()) this.#take(uuid)
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

  /** Resolves when what happened to the job so far is announced: its end comes after that. */
  async settled(uuid: string): Promise<void> {
    await this.#tails.get(uuid)
  }

  async close(): Promise<void> {
    this.#endLease()
    this.#closing.abort()
    await Promise.all(this.#tails.values())
  }

  #take(uuid: string): void {
    const current = this.#current.get(uuid)
    if (current === undefined || !this.#lease.holdsLease()) return
    const { job, taken } = current
    const state = `${job.state} ${job.attempt?.number}`
    if (taken === state) return
    current.taken = state
    const before = this.#tails.get(uuid) ?? Promise.resolve()
    const tail = before
      .then(() => this.#untilAnnounced(job))
      .then((announced) => {
        // Who gets the Lease next takes it up, which may be this process.
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
    while (this.#lease.holdsLease() && !signal.aborted) {
      try {
        await this.#announce(job)
        return true
      } catch (error) {
        this.#log.warn({ job: job.job_uuid, error: messageOf(error) }, "a job's state can't be announced yet")
        await sleep(againMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return false
  }
}

/** The request stands in an annotation, which anybody may edit. */
function wantsMore(events: unknown): boolean {
  return Array.isArray(events) && events.some((event) => !finalEventTypes.includes(event))
}
