import { isFinal, type Job } from '../../job/job.ts'
import type { Leadership } from '../../job/leadership.ts'
import type { JobChange } from '../../lifecycle/jobs.ts'
import type { Callback } from './callback-message.ts'

/**
 * Loads the callback of each job that is storing and announces the job's end without asking the
 * store again, which would take longer than all other steps. If this fails, JobEnds announces the
 * same message.
 */
export class PendingNotifications {
  readonly #leadership: Leadership
  readonly #load: (uuid: string) => Promise<Callback | undefined>
  readonly #announce: (job: Job, callback: Callback) => Promise<void>
  readonly #known = new Map<string, Promise<Callback | undefined>>()

  constructor(
    leadership: Leadership,
    load: (uuid: string) => Promise<Callback | undefined>,
    announce: (job: Job, callback: Callback) => Promise<void>,
  ) {
    this.#leadership = leadership
    this.#load = load
    this.#announce = announce
  }

  watch({ uuid, job, deleted, request }: JobChange): void {
    if (job?.state === 'storing' && !deleted) {
      if (request?.callback === undefined || this.#known.has(uuid) || !this.#leadership.isLeader()) return
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
    if (callback === undefined || !this.#leadership.isLeader()) return
    await this.#announce(job, callback).catch(() => undefined)
  }
}
