import type { Job } from '../job/job.ts'

/** A consumer that waits for a job's end: `jobs/<uuid>/consumers/<kind>-<id>.json` in the store. */
export interface WaitingConsumer {
  kind: string
  /** Letters, digits, `-`, `_`, `.`; at most 200. */
  id: string
  /** The JSON value that add() was given. */
  data: unknown
}

/** A kind of consumer and its reaction to a job's end. */
export interface JobEndConsumer {
  /** Letters and digits. */
  readonly kind: string

  /**
   * Called by the leader for each waiting consumer of this kind, within milliseconds after the job
   * became final and its results readable. Called again until it resolves, also after restarts, so
   * it must be idempotent; the job's record and the consumer's entry are kept until then. The
   * deletion of a job is announced too, as `canceled` if it had not ended; its results and all
   * objects below `jobs/<uuid>/` are removed after that.
   */
  jobEnded(job: Job, waiting: WaitingConsumer): Promise<void>
}

/** The consumers of jobs' ends, kept in the store so that restarts lose none. */
export interface JobEnds {
  /** Before start(). */
  register(consumer: JobEndConsumer): void

  /**
   * Once this resolves the consumer will be notified of the job's end. To be called between
   * Jobs.beginDeployment() and Deployment.deploy(). An entry of the same kind and id stays as it
   * is. For a job that exists already the caller reads its state afterwards and reacts by itself if
   * it is final. Rejects with StoreError.
   */
  add(uuid: string, waiting: WaitingConsumer): Promise<void>

  /** As add(), but overwrites an entry of the same kind and id. */
  replace(uuid: string, waiting: WaitingConsumer): Promise<void>

  /** Removes the consumer: it is no longer notified. */
  remove(uuid: string, waiting: Pick<WaitingConsumer, 'kind' | 'id'>): Promise<void>

  /** Undefined if no consumer of that kind and id waits. */
  get(uuid: string, waiting: Pick<WaitingConsumer, 'kind' | 'id'>): Promise<WaitingConsumer | undefined>

  /** All consumers that wait for the job. */
  list(uuid: string): Promise<WaitingConsumer[]>
}
