import type { Readable } from 'node:stream'
import type { ContainerLog, LogOptions } from '../job/backend.ts'
import type { Job } from '../job/job.ts'
import type { Uploaded } from '../job/observation.ts'
import type { JobRequest } from '../job/request.ts'

/** All that callers can do with jobs, over one backend and one store. Rejects with Problem. */
export interface Jobs {
  /** Begins a creation: random uuid, or the one that the Idempotency-Key gives. Others with that key wait. */
  beginDeployment(idempotencyKey?: string): Promise<Deployment>

  /** Undefined for a job that is unknown or was deleted. Finished ones come from the store. */
  get(uuid: string): Promise<Job | undefined>

  /** Newest first; `after` is the last page's `next`. Live and finished. */
  list(options: { limit: number; after?: string }): Promise<{ jobs: Job[]; next?: string }>

  /** Stops a job and keeps what it produced; one that is final stays as it is. Rejects `not-found`. */
  cancel(uuid: string): Promise<Job>

  /** Stops a job if need be and removes all of it; an unknown one counts as removed. */
  remove(uuid: string): Promise<void>

  /**
   * The log of its last attempt, from the backend, else from the store. Rejects `not-found`, `not-started`
   * (with `follow` it waits for the start instead).
   */
  log(uuid: string, options: LogOptions): Promise<ContainerLog>

  /** The job when it is final, or as it is after `milliseconds`; undefined when there is none (any more). */
  waitForFinal(uuid: string, milliseconds: number, signal?: AbortSignal): Promise<Job | undefined>

  /**
   * Calls `listener` after each change of a live job, its vanishing included (it is finished and let go, or deleted);
   * returns what ends it.
   */
  watch(listener: (change: JobChange) => void): () => void

  /** How many live jobs are in each state. */
  countByState(): Map<string, number>
}

export interface JobChange {
  uuid: string
  /** Undefined for one that is not followed any more; `deleted` for one that is being removed. */
  job: Job | undefined
  deleted: boolean
  /** Of a job that is followed; values of its environment blanked. */
  request: JobRequest | undefined
  /** How far storing is, as far as the uploader said so. */
  uploaded?: Uploaded | undefined
}

/** One creation under way; exactly one of deploy() and abandon() ends it. */
export interface Deployment {
  readonly uuid: string

  /**
   * Takes an input file: into the store, or only its hash where the job exists already. Rejects `too-large`
   * beyond INPUT_MAX_BYTES in all, `invalid-request` for a name that is unsafe or was given before.
   */
  receiveInput(name: string, stream: Readable): Promise<void>

  /**
   * Makes the job. A replay of the same request answers as the first time did. Rejects
   * `idempotency-key-reused` for another request, and what JobBackend.create rejects with; after a rejection
   * nothing of it is left. `companion` is not written for a replay.
   */
  deploy(request: JobRequest, companion?: Companion): Promise<{ job_uuid: string }>

  /** Removes what was received. */
  abandon(): Promise<void>
}

/** What is to stand in the store beside a job before that begins, and goes where it doesn't come to be. */
export interface Companion {
  write(): Promise<void>
  remove(): Promise<void>
}
