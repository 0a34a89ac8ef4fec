import type { Readable } from 'node:stream'
import type { ContainerLog, ReadLogOptions } from '../job/backend.ts'
import type { InputRequest } from '../job/inputs/input-schema.ts'
import type { Job } from '../job/job.ts'
import type { JobRequest } from '../job/request/request.ts'
import type { Uploaded } from '../job/state/observation.ts'
import type { Restart } from '../job/steps/restart.ts'
import type { BulkAction, BulkOptions, BulkOutcome } from './finding/act-on-jobs.ts'
import type { JobFilter } from './finding/job-filter.ts'
import type { StoredJob } from './stored-job.ts'

/** The operations on jobs, over one backend and one store. They reject with Problem. */
export interface Jobs {
  /**
   * Begins a creation under a random uuid or the Idempotency-Key's. Other creations with the key
   * wait. `madeBy` is the name of the caller's token, null without one. Rejects `too-many-jobs` if
   * a new job would be one too many.
   */
  beginDeployment(idempotencyKey?: string, madeBy?: string | null): Promise<Deployment>

  /** Begins to show what a deployment of this caller would make; nothing is made. */
  beginPreview(madeBy: string | null): Preview

  /** The number of live jobs that were made with a token of that name; null: without one. */
  countLive(madeBy: string | null): number

  /** Undefined for a job that is unknown or deleted. Finished jobs are read from the store. */
  get(uuid: string): Promise<Job | undefined>

  /** A job with what it was made of; undefined if it is unknown or being removed. */
  stored(uuid: string): Promise<StoredJob | undefined>

  /**
   * Where an ended job can go on: `from` is a step's name, or `failed`. Rejects as restartOf() and
   * refuseIncomplete() throw.
   */
  findRestart(of: StoredJob, from: string): Promise<Restart>

  /**
   * As get(), with the job's history and usage, its worker's `values` and its deliveries, which are
   * read from the store. While the store does not answer, a live job comes without them, and a finished one
   * rejects `unavailable`.
   */
  detailed(uuid: string): Promise<Job | undefined>

  /** Live and finished jobs, newest first; `after` is the `next` of the page before. */
  list(options: { limit: number; after?: string }): Promise<{ jobs: Job[]; next?: string }>

  /**
   * As list(), of the jobs that a filter finds; a page may have fewer than `limit` though there is a
   * `next`.
   */
  find(
    filter: JobFilter,
    options: { limit: number; after?: string | undefined },
  ): Promise<{ jobs: Job[]; next?: string }>

  /**
   * The newest job of a configured job that succeeded and has its complete result; `searched` is
   * false if old ones were not looked at.
   */
  latestResult(job: string): Promise<{ found: Job | undefined; searched: boolean }>

  /**
   * Cancels or deletes the jobs that a filter finds, newest first, `limit` at most; a job that has
   * ended, or is being stopped, isn't canceled. What a job's turn rejects with stands beside the job. There may be fewer
   * than `limit` though there is a `next`.
   */
  act(action: BulkAction, filter: JobFilter, options: BulkOptions): Promise<BulkOutcome>

  /**
   * Stops a job and keeps its results; a job that has ended stays as it is. Rejects `not-found`.
   */
  cancel(uuid: string): Promise<Job>

  /**
   * Delivers the job's result once more, unless that is under way. Rejects `not-found`, and as
   * repeatDelivery().
   */
  deliver(uuid: string): Promise<Job>

  /** Stops a job if it runs, and removes it with its results; an unknown job counts as removed. */
  remove(uuid: string): Promise<void>

  /**
   * The log of its last attempt, from the backend, else from the store. Rejects `not-found`,
   * `not-started` (with `follow` it waits for the start instead).
   */
  log(uuid: string, options: ReadLogOptions): Promise<ContainerLog>

  /**
   * The job once it is final, or as it is after `milliseconds`; undefined if it is unknown or
   * deleted.
   */
  waitForFinal(uuid: string, milliseconds: number, signal?: AbortSignal): Promise<Job | undefined>

  /**
   * Calls `listener` after each change of a live job and when it is live no more: archived or
   * deleted. Returns the function that removes the listener.
   */
  watch(listener: (change: JobChange) => void): () => void

  /** The number of live jobs in each state. */
  countByState(): Map<string, number>
}

export interface JobChange {
  uuid: string
  /** Undefined once the job is live no more; `deleted` is true if it is being removed. */
  job: Job | undefined
  deleted: boolean
  /** Of a live job, with the values of its environment blanked. */
  request: JobRequest | undefined
  /** How much is stored, if the uploader has reported it. */
  uploaded?: Uploaded | undefined
}

/** A creation under way; the caller ends it by either deploy() or abandon(). */
export interface Deployment {
  readonly uuid: string

  /**
   * Stores an input file, or only hashes it if the job exists already. Rejects `too-large` if the
   * inputs exceed INPUT_MAX_BYTES in all, `invalid-request` for a name that is unsafe or given
   * twice.
   */
  receiveInput(name: string, stream: Readable): Promise<void>

  /**
   * Stores the files that a job got with its request once more, for this one; resolves with its other
   * inputs, also with the digests that they had (`pinned`). Rejects with Problem `inputs-gone` or
   * `inputs-changed`.
   */
  takeInputs(of: StoredJob): Promise<{ references: InputRequest[]; pinned: InputRequest[] }>

  /**
   * Makes the job. A replay of a request gives the first one's answer, without writing
   * `notification` again. Rejects `idempotency-key-reused` for another request, and as
   * JobBackend.create; after a rejection nothing is left. `asked` is the request without defaults
   * of a policy (AdmittedRequest): by it a replay is recognised.
   */
  deploy(
    request: JobRequest,
    notification?: PendingNotification,
    asked?: JobRequest,
    again?: RerunOptions,
  ): Promise<{ job_uuid: string }>

  /** Removes the inputs that were stored. */
  abandon(): Promise<void>
}

/** A deployment that makes nothing. */
export interface Preview {
  /** Counts an input file; rejects as Deployment.receiveInput(). */
  receiveInput(name: string, stream: Readable): Promise<void>

  /**
   * The object that the backend would make, undefined where it makes none. Rejects as
   * Deployment.deploy(), as far as that can be known without making anything.
   */
  show(request: JobRequest): Promise<object | undefined>
}

/** That a request repeats a job's. */
export interface RerunOptions {
  rerunOf?: string
  /** It goes on where that job ended. */
  restart?: Restart | undefined
  /** Its `inputs` are those of that job: what is wrong with one is `inputs-gone`. */
  sameInputs?: boolean
}

/** A job's callback in the store: written before the job begins, removed if the job isn't made. */
export interface PendingNotification {
  write(): Promise<void>
  remove(): Promise<void>
}
