import { isFinal, type Job } from '../../job/job.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import type { Lease } from '../outbox/sender.ts'
import type { Callback } from './callback-message.ts'

/**
 * Knows whom to call while a job is storing, and calls in the instant of its end: asking the store then takes longer
 * than all else. Whatever fails here is done by who tells the end (JobEnds), which comes to the same.
 */
export class Ahead {
  readonly #lease: Lease
  readonly #load: (uuid: string) => Promise<Callback | undefined>
  readonly #announce: (job: Job, callback: Callback) => Promise<void>
  readonly #known = new Map<string, Promise<Callback | undefined>>()

  constructor(
    lease: Lease,
    load: (uuid: string) => Promise<Callback | undefined>,
    announce: (job: Job, callback: Callback) => Promise<void>,
  ) {
    this.#lease = lease
    this.#load = load
    this.#announce = announce
  }

  watch({ uuid, job, deleted, request }: JobChange): void {
    if (job?.state === 'storing' && !deleted) {
      if (request?.callback === undefined || this.#known.has(uuid) || !this.#lease.holdsLease()) return
      const loading = this.#load(uuid).catch(() => undefined)
      this.#known.set(uuid, loading)
      return
    }
    const loading = this.#known.get(uuid)
    this.#known.delete(uuid)
    if (loading && job && !deleted && isFinal(job.state)) void this.#call(job, loading)
  }

  async #call(job: Job, loading: Promise<Callback | undefined>): Promise<void> {
    const callback = await loading
    if (callback === undefined || !this.#lease.holdsLease()) return
    await this.#announce(job, callback).catch(() => undefined)
  }
}
