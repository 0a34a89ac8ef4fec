import type { Readable } from 'node:stream'
import type { Observation, Stop } from './observation.ts'
import type { JobRequest } from './request.ts'

/**
 * Where jobs run: a cluster (kubernetes/) or child processes (local/). It runs, stops and observes; what a job's
 * state is, and what has to happen after its end, is decided above it (state.ts, lifecycle/).
 * Both adapters pass test/job/backend.conformance.ts. Every method rejects with Problem; `unavailable` where
 * the backend doesn't answer.
 */
export interface JobBackend {
  /** For people: `kubernetes https://10.0.0.1:6443, namespace jobs` or `child processes in /srv/data`. */
  readonly name: string
  readonly kind: 'kubernetes' | 'local'

  /** Begins to observe; resolves when every job is known. The signal ends a wait that may be long. */
  start(signal?: AbortSignal): Promise<void>

  /** What is missing for full service at this moment, for people; empty when nothing is. */
  missing(): string[]

  /**
   * Whether what it shows is what is the case now: false while changes can't be seen, and for some time after that,
   * in which what happened meanwhile is still coming in.
   */
  isCurrent(): boolean

  /**
   * Makes and starts a job. Where one of this uuid exists already, nothing is made, but a creation that was
   * cut short is completed; the existing job is returned with `created: false` and the caller compares
   * `requestSha256`. Resolves once the backend has accepted it durably. What the backend refuses is a Problem
   * `invalid-request` that names the request's field, or `refused` where another time may do, as with a quota;
   * nothing is left then. Whether the job stands is not known after `unavailable`.
   */
  create(plan: JobPlan): Promise<{ created: boolean; requestSha256: string }>

  /** A job that the backend holds, from memory; undefined for one it doesn't. */
  get(uuid: string): LiveJob | undefined

  /**
   * Looks for a job that get() doesn't know: another process may have made it so lately that it wasn't heard of yet.
   * What is found is known then. Rejects with Problem.
   */
  look(uuid: string): Promise<void>

  /** All jobs that the backend holds, from memory. */
  list(): Iterable<LiveJob>

  /**
   * Calls `listener` after every change of a job's observation, its appearing and vanishing included; returns
   * the function that ends it.
   */
  subscribe(listener: (uuid: string) => void): () => void

  /**
   * Writes the decision down, `at` the time of that, unless one stands already (`deleted` alone replaces another),
   * then stops the job:
   * worker and uploader get the request's `stop_grace_seconds` together. An uploader that is already storing is
   * not reached this way: the caller writes `stop` into the store as well. Resolves once the backend has accepted
   * both; the end shows in the observation. False where there is no end to wait for: the job is unknown, or it
   * was released already.
   */
  stop(uuid: string, stop: Stop): Promise<boolean>

  /**
   * Its log and record are archived: the job may go. It stays known for `keepSeconds`, then it and all that
   * belongs to it is removed; at once with 0. A job that is to be `deleted` stays: what the store has of it is to
   * go first. Idempotent; a job that is unknown counts as released.
   */
  release(uuid: string, keepSeconds: number): Promise<void>

  /** The store has nothing of it (any more): it and all that belongs to it is removed at once. Idempotent. */
  discard(uuid: string): Promise<void>

  /**
   * Tells the job's uploader of a stop in another way than by the store, which may be away, where there is one;
   * rejects where it wasn't reached. For uploaders that are storing: nothing else ends them.
   */
  tell(uuid: string, stop: Stop): Promise<void>

  /**
   * Starts a rescue where the observation says that it is possible: the attempt's uploader ended without a manifest
   * that covers its worker's end. Idempotent; the observation shows what becomes of it. Absent where no results
   * outlive their uploader.
   */
  rescue?(uuid: string): Promise<void>

  /** The log of an attempt's container, or undefined where the backend has none (any more). */
  log(uuid: string, options: LogOptions): Promise<ContainerLog | undefined>

  /** Whether this process is the one that finishes jobs. */
  holdsLease(): boolean

  /** Calls `listener` when holdsLease() changes; returns the function that ends it. */
  onLease(listener: (held: boolean) => void): () => void

  readonly environments: Environments

  /** Stops observing, gives the Lease back; jobs go on where they outlive this process. */
  close(): Promise<void>
}

/** A job to be made. */
export interface JobPlan {
  uuid: string
  request: JobRequest
  /** Hex SHA-256 over the request and its inputs. */
  requestSha256: string
  /** Hex SHA-256 of the list of inputs in the store, where there are inputs. */
  inputsSha256?: string
}

/** A job as its backend holds it. */
export interface LiveJob {
  uuid: string
  /** As it was asked for, values of `env` blanked. */
  request: JobRequest
  requestSha256: string
  observation: Observation
  /** release() was done: its record stands in the store. */
  released: boolean
}

export type ContainerName = 'worker' | 'uploader'

export interface LogOptions {
  container: ContainerName
  /** Goes on until the container has ended. */
  follow?: boolean
  /** That many last lines. */
  tail?: number
  signal?: AbortSignal
}

export interface ContainerLog {
  stream: Readable
  /** Whether the log's beginning is there: `false` where it was rotated away, `undefined` where that can't be told. */
  fromBeginning?: boolean
}

/** Free-standing sets of environment variables that jobs refer to (`config_map_ref`). */
export interface Environments {
  /** Keeps the variables under a new id `env-<random>`. */
  create(variables: Readonly<Record<string, string>>, secret: boolean): Promise<EnvironmentInfo>
  /** Sorted by id. */
  list(): Promise<EnvironmentInfo[]>
  /** False where there is none of that id. */
  remove(id: string): Promise<boolean>
}

export interface EnvironmentInfo {
  id: string
  secret: boolean
  /** Sorted. */
  names: string[]
  created_at: string
}
