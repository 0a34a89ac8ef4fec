import type { Job } from '../job/job.ts'

/** Who waits for a job: `jobs/<uuid>/consumers/<kind>-<id>.json` in the store. */
export interface Waiting {
  kind: string
  /** Letters, digits, `-`, `_`, `.`; at most 200. */
  id: string
  /** JSON; as it was given to add(). */
  data: unknown
}

/** What is to be done when a job has ended. */
export interface JobEndConsumer {
  /** Letters and digits. */
  readonly kind: string

  /**
   * The job is final, its results can be read; called by the Lease's holder within milliseconds of that, for each
   * Waiting of this kind. Called again until it resolves, over restarts, so it must be idempotent; until then
   * neither the job's record nor what waits is let go. A job that is deleted is told too, as `canceled` where it
   * hadn't ended; its results and all that lies under `jobs/<uuid>/` are removed after that.
   */
  jobEnded(job: Job, waiting: Waiting): Promise<void>
}

/** Who is told of a job's end, whatever restarts between. */
export interface JobEnds {
  /** Before start(). */
  register(consumer: JobEndConsumer): void

  /**
   * From the moment that this resolves the job's end is told; to be called between Jobs.beginDeployment() and
   * Deployment.deploy(). Where there is one of that kind and id, that one stays. Whoever adds to a job that
   * is there already asks for its state after that, and does by itself what is to be done where it is final.
   * Rejects with StoreError.
   */
  add(uuid: string, waiting: Waiting): Promise<void>

  /** As add(), where one is there already too. */
  replace(uuid: string, waiting: Waiting): Promise<void>

  /** It waits no longer. */
  remove(uuid: string, waiting: Pick<Waiting, 'kind' | 'id'>): Promise<void>

  /** Undefined where none of that kind and id waits. */
  get(uuid: string, waiting: Pick<Waiting, 'kind' | 'id'>): Promise<Waiting | undefined>

  /** Who waits for the job. */
  list(uuid: string): Promise<Waiting[]>
}
