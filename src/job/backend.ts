import type { Readable } from 'node:stream'
import type { DeliveryRuns } from './deliveries/delivery-runs.ts'
import type { EnvSource } from './pod/env-from.ts'
import type { PodSelectors } from './policy/judged-request.ts'
import type { JobRequest } from './request/request.ts'
import type { AttemptsByJob, Observation, Stop, Waiting } from './state/observation.ts'
import type { Restart } from './steps/restart.ts'

/**
 * Where jobs run: a cluster (kubernetes/) or child processes (local/). It runs, stops and observes
 * jobs; callers above it decide on their state and on what follows their end (job/state/,
 * lifecycle/). Both implementations pass test/job/backend.conformance.ts. Every method rejects with
 * Problem, `unavailable` if the backend does not answer.
 */
export interface JobBackend {
  /**
   * For logs and /health: `kubernetes https://10.0.0.1:6443, namespace jobs` or `child processes in
   * /srv/data`.
   */
  readonly name: string

  /**
   * Begins to observe; resolves when every job is known, which may take long. `signal` ends the
   * wait.
   */
  start(signal?: AbortSignal): Promise<void>

  /**
   * Sentences for operators, one for each thing that is missing for full service at this moment.
   */
  missing(): string[]

  /**
   * As missing(), of what hinders new jobs alone: every job is known, and the past can be removed.
   */
  obstacles?(): Promise<string[]>

  /**
   * False while the backend cannot see changes, and for some time after that, while missed changes
   * still come in.
   */
  isCurrent(): boolean

  /**
   * Makes and starts a job; resolves once the backend has accepted it durably. If a job of this
   * uuid exists, its creation is completed where it was cut short, and `created` is false: the
   * caller compares `requestSha256`. A request that the backend refuses leaves nothing: Problem
   * `invalid-request` names its field, `refused` means that a later try may succeed, as with a
   * quota. After `unavailable` the job may or may not exist.
   */
  create(plan: JobPlan): Promise<{ created: boolean; requestSha256: string }>

  /**
   * The object that create() would make of the plan, without secrets; undefined where it makes none.
   * Rejects as create() does, as far as that can be known without making anything.
   */
  preview?(plan: JobPlan): Promise<object | undefined>

  /**
   * Writes down for which jobs alone a waiting job still waits (Observation.waiting), and adds
   * `attempts` to those written before, which stand. Without any job it begins, and its `begunAt` is
   * now. Idempotent; does nothing for a job that does not wait.
   */
  awaitJobs(uuid: string, jobs: readonly string[], attempts?: AttemptsByJob): Promise<void>

  /** From memory; undefined for a job that the backend does not hold. */
  get(uuid: string): LiveJob | undefined

  /**
   * Looks for a job that get() does not know: another process may have made it just now. After
   * that, get() knows it if it exists. Rejects with Problem.
   */
  look(uuid: string): Promise<void>

  /** All jobs that the backend holds, from memory. */
  list(): Iterable<LiveJob>

  /**
   * Calls `listener` after every change of a job's observation, after its creation and after its
   * removal; returns the function that unsubscribes it.
   */
  subscribe(listener: (uuid: string) => void): () => void

  /**
   * Records the stop with the time of the record in `at`, unless the job has one already (`deleted`
   * alone replaces another), then stops the job: worker and uploader get the request's
   * `stop_grace_seconds` together. This does not reach an uploader that is already storing, so the
   * caller writes `stop` into the store as well. Resolves once the backend has accepted both; the
   * observation shows the end. False if no end will follow: the job is unknown or released.
   */
  stop(uuid: string, stop: Stop): Promise<boolean>

  /**
   * Log and record are archived: the backend may remove the job and all that belongs to it
   * `keepSeconds` after its end, at once with 0. A job that is to be `deleted` stays until
   * discard(): its objects in the store go first. Idempotent; an unknown job counts as released.
   */
  release(uuid: string, keepSeconds: number): Promise<void>

  /**
   * The store holds nothing of the job: removes it and all that belongs to it at once. Idempotent.
   */
  discard(uuid: string): Promise<void>

  /**
   * Notifies the job's uploader of a stop over the network, since the store may be away. Rejects if
   * the uploader was not reached or the backend has no such way. Nothing but the stop ends an
   * uploader that is storing.
   */
  notifyStop(uuid: string, stop: Stop): Promise<void>

  /**
   * Starts a rescue if the observation says that it is possible: the attempt's uploader ended
   * without a manifest that covers its worker's end. Idempotent; the observation shows its
   * progress. Absent if results do not outlive their uploader.
   */
  rescue?(uuid: string): Promise<void>

  /** The attempts that others followed, as far as the backend knows them, oldest first. */
  earlierAttempts(uuid: string): AttemptId[]

  /**
   * The log of a container of the attempt shown, or of an earlier one; undefined if the backend does
   * not have it.
   */
  log(uuid: string, options: ReadLogOptions): Promise<ContainerLog | undefined>

  readonly environments: Environments

  readonly deliveries: DeliveryRuns

  /**
   * Labels by which Services of the namespace and the API itself find their pods; at most some
   * seconds old. Absent if jobs have no labels.
   */
  podSelectors?(): Promise<PodSelectors>

  /**
   * Those of the Secrets and ConfigMaps that are Jobferry's own or a job's: no caller's program may
   * read them. Absent if jobs can't read any.
   */
  reserved?(sources: readonly EnvSource[]): Promise<EnvSource[]>

  /** Stops observing; jobs go on where they outlive this process. */
  close(): Promise<void>
}

/** A job to create. */
export interface JobPlan {
  uuid: string
  /** Without `inputs`, which are in the list of inputs. */
  request: JobRequest
  /** Hex SHA-256 over the request and its inputs. */
  requestSha256: string
  /** A hash that an earlier version stored of the same request: it may have begun this job. */
  earlierSha256?: string
  /** Hex SHA-256 of the list of inputs in the store; absent without inputs. */
  inputsSha256?: string
  /** Secrets of the namespace that the uploader reads for the sources of inputs. */
  secrets?: string[]
  /** Prefixes of keys that the uploader reads beside the job's own: results that inputs name. */
  readable?: string[]
  /** The worker may not write into `/input`: its request has `inputs`. */
  readOnlyInputs?: boolean
  /** Name of the token that it is made with; absent for callers without one. */
  madeBy?: string
  /** Uuid of the job whose request it repeats. */
  rerunOf?: string
  /** Its result directory begins with another job's result, and not all of its steps run. */
  restart?: Restart
  /** Nothing of it runs before awaitJobs() says so. */
  waiting?: Waiting
}

/** A job as its backend holds it. */
export interface LiveJob {
  uuid: string
  /** With the values of `env` blanked. */
  request: JobRequest
  requestSha256: string
  /** As JobPlan.madeBy; absent for jobs of version 0.2 and older. */
  madeBy?: string
  /** As JobPlan.rerunOf. */
  rerunOf?: string
  /** As JobPlan.restart. */
  restart?: Restart
  /** As JobPlan.inputsSha256; null without inputs, absent for jobs of versions that did not keep it. */
  inputsSha256?: string | null
  observation: Observation
  /** release() is done: the job's record is in the store. */
  released: boolean
}

export interface AttemptId {
  /** From 1 on. */
  number: number
  uid: string
}

export type ContainerName = 'worker' | 'uploader'

/** A container whose log is kept. */
export interface LoggedContainer {
  container: ContainerName
  /** Of a job with steps, the worker's step; absent: that which started last. */
  step?: string
}

export interface ReadLogOptions extends LoggedContainer {
  /** The number of the attempt shown or of an earlier one; absent: the attempt shown. */
  attempt?: number
  /** The stream goes on until the container has ended. */
  follow?: boolean
  /** Only that many last lines. */
  tail?: number
  signal?: AbortSignal
}

export interface ContainerLog {
  stream: Readable
  /**
   * Whether the log is there from its beginning: false if it was rotated, undefined if the backend
   * cannot tell.
   */
  fromBeginning?: boolean
}

/**
 * Sets of environment variables that requests refer to by `config_map_ref`; they belong to no job.
 */
export interface Environments {
  /** Stores the variables under a new id `env-<random>`. */
  create(variables: Readonly<Record<string, string>>, secret: boolean): Promise<EnvironmentInfo>
  /** Sorted by id. */
  list(): Promise<EnvironmentInfo[]>
  /** Those of the ids at which something lies that create() did not make. */
  foreign(ids: readonly string[]): Promise<string[]>
  /** False if there is none of that id. */
  remove(id: string): Promise<boolean>
}

export interface EnvironmentInfo {
  id: string
  secret: boolean
  /** Sorted. */
  names: string[]
  created_at: string
}
