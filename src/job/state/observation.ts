import type { ManifestHead } from '../../result-format/manifest/manifest.ts'
import type { Cause, Reason } from '../job.ts'
import type { HeardWord } from '../word/heard-word.ts'

/**
 * What a backend sees of a job, in terms common to all backends: everything that the job's state
 * depends on, except the manifest and the time. Times are milliseconds since the epoch.
 */
export interface Observation {
  createdAt: number
  /** It waits for other jobs: no attempt is made until JobBackend.awaitJobs() gets an empty list. */
  waiting?: Waiting
  /** When that was over. */
  begunAt?: number
  /** True if the Job was suspended again after Jobferry had resumed it. */
  suspended: boolean
  /** The API's decision to stop the job, stored before anything was stopped. */
  stop?: Stop
  /**
   * Time at which the deletion of the job's object was requested, by the API or by another client.
   */
  deletedAt?: number
  /** The backend starts no further attempt, with its cause if it gives one. */
  ended?: { at: number; cause?: Cause }
  /** The number of attempts that have failed by themselves, without disrupted ones. */
  failedAttempts: number
  /** Attempts that the platform ended and that the backend may repeat by itself, oldest first. */
  disruptions?: readonly Disruption[]
  /** The attempts before the newest one of which the backend still knows more than its disruption. */
  earlier?: readonly AttemptTimes[]
  /** There may be attempts that weren't seen yet: the end of the seen ones isn't the job's end. */
  incomplete?: boolean
  /** The newest attempt, or the earlier one whose end decided the job's. */
  attempt?: Attempt
  /** Another attempt than the one shown still runs, or is being removed. */
  lingering?: true
  /** Of the newest attempt, if its results outlive its uploader. */
  rescue?: Rescue
  /** Results never outlive their uploader: the backend has no volume claims. */
  withoutClaims?: true
  /**
   * Why no pod is created or a container doesn't start, if that is known; `final`: waiting does not
   * change it.
   */
  blocked?: Cause & { final?: true }
  /** The uploader's progress, for people, if it has reported any. */
  progress?: string
  /** The uploader's progress in numbers. */
  uploaded?: Uploaded
  /** Its program has failed, and its container stays for a person to look into it. */
  held?: Cause
  /** What the worker of the attempt shown says of itself. */
  heard?: HeardWord
}

/** What a job waits for before its first attempt. */
export interface Waiting {
  /** Uuids of the jobs of `depends_on` whose end is still awaited. */
  jobs: readonly string[]
  /** Uuids of the jobs whose results are inputs: which attempts' results, is known at their end. */
  results: readonly string[]
  /**
   * Of those of them that have ended as they should, the attempt's UID; null if they had none. A job
   * of the same uuid may be made later. Absent where none was written down.
   */
  attempts?: AttemptsByJob
}

export type AttemptsByJob = Readonly<Record<string, string | null>>

/**
 * How much of the newest attempt's results is in the store, and of how much in all if that is
 * known.
 */
export interface Uploaded {
  files: number
  bytes: number
  total_files?: number
  total_bytes?: number
}

/**
 * A decision to stop a job; the first one stands. `canceled` ends the job as canceled, `failed` as
 * failed with the given reason, `deleted` removes it and all that it left.
 */
export interface Stop {
  outcome: 'canceled' | 'failed' | 'deleted'
  cause: Cause
  at: number
  /** UID of the attempt whose end decided it: later attempts don't count and are removed. */
  attempt?: string
}

/** An attempt that the platform ended: evicted, drained, preempted. */
export interface Disruption extends Cause {
  /** The attempt's UID. */
  attempt: string
  number: number
  /** Its worker had started. */
  started: boolean
  /**
   * The backend counts it as a failure of the job's own: the machine failed to start its worker.
   */
  counted?: true
  at: number
}

/**
 * A pod with an uploader alone, which stores what the attempt's own uploader left: `possible` if it
 * may be asked for (JobBackend.rescue), `running` while one writes or may still write, `over` once
 * none will write any more.
 */
export interface Rescue {
  state: 'possible' | 'running' | 'over'
  /** For people: why it doesn't go on, or why it failed. */
  message?: string
}

/** One pod, or in the embedded backend one run of the command. */
export interface Attempt {
  uid: string
  /** From 1 on. */
  number: number
  /** When it was made, if that is known. */
  createdAt?: number
  /** It has been assigned to a node. */
  scheduled: boolean
  /** When, if that is known. */
  scheduledAt?: number
  /** The node, or without a cluster the host. */
  node?: string
  /** Of its programs in their order, with digest, as the node names them; absent without images. */
  images?: readonly (string | null)[]
  uploader: ContainerObservation & {
    /** The inputs are fetched and the store has been tested: the worker may start. */
    ready: boolean
    /** Since when, if that is known. */
    readyAt?: number
  }
  /** With steps: from the first one's start to the end of the last one or of one that failed. */
  worker: ContainerObservation & {
    /** The step that runs or is to start next, or whose end is the worker's. */
    step?: string
  }
  /** In their order; absent without steps. */
  steps?: readonly StepObservation[]
  /** When its end was requested, by others than the API: deletion, eviction, drain, a lost node. */
  interrupted?: Cause & { at: number }
  /** Nothing of it runs any more. */
  ended: boolean
  /** Since when, if that is known. */
  endedAt?: number
  /** What its worker has used, of all its steps; absent where that is not measured. */
  used?: ResourceUse
}

export interface ResourceUse {
  cpuSeconds?: number
  /** By samples: a short peak may be missed. */
  peakMemoryBytes?: number
}

/** When an attempt did what, in milliseconds since the epoch; absent: not known, or not done. */
export interface AttemptTimes {
  /** From 1 on. */
  number: number
  /** It got its node. */
  scheduledAt?: number
  /** Its uploader started. */
  uploaderAt?: number
  /** Its uploader was ready. */
  readyAt?: number
  /** Of its worker. */
  startedAt?: number
  finishedAt?: number
  /** In their order; absent without steps. */
  steps?: readonly { name: string; startedAt?: number }[]
  endedAt?: number
  /** Why it ended, of one that others follow. */
  reason?: Reason
  /** Images were pulled for it. */
  pulled?: true
}

/** A step of an attempt. */
export interface StepObservation {
  name: string
  startedAt?: number
  finishedAt?: number
  /** Of its own program, also where a failure is ignored. */
  exitCode?: number
}

export interface ContainerObservation {
  startedAt?: number
  finishedAt?: number
  /**
   * By how many milliseconds `finishedAt` may be too early: 1000 on Kubernetes, which gives whole
   * seconds.
   */
  resolution: number
  exitCode?: number
  /** The container's own cause, if it is more than an exit code: OOMKilled, Evicted. */
  cause?: Cause
  /** Its termination message. */
  message?: string
  restarts: number
}

/**
 * An attempt's results in the store: the manifest's head, or `none` if there are none and will be
 * none.
 */
export type Stored = 'none' | ManifestHead
