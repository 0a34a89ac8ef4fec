import type { ManifestHead } from '../artifact/manifest.ts'
import type { Cause } from './job.ts'

/**
 * What a backend sees of one job, in its own words translated: everything that the state follows from, apart
 * from the manifest and the clock. Times are milliseconds since the epoch.
 */
export interface Observation {
  createdAt: number
  /** Somebody set the Job's `suspend` after it had been resumed. */
  suspended: boolean
  /** The API's own decision to stop the job, written down before anything was stopped. */
  stop?: Stop
  /** The job's object is being deleted, whoever asked for it. */
  deletedAt?: number
  /** The backend starts no further attempt, with its reason where it gives one. */
  ended?: { at: number; cause?: Cause }
  /** Attempts that have ended without success by themselves: disrupted ones are not among them. */
  failedAttempts: number
  /** Attempts that the platform ended and that the backend may repeat by itself, oldest first. */
  disruptions?: readonly Disruption[]
  /** There may be attempts that were not seen yet: what the ones that were have come to is not the job's end. */
  incomplete?: boolean
  /** The newest attempt; where an earlier one's end decided the job's, that one. */
  attempt?: Attempt
  /** Another attempt than the one shown still runs, or is being removed. */
  lingering?: true
  /** Of the newest attempt, where its results outlive its uploader. */
  rescue?: Rescue
  /** What keeps a pod from being created or a container from starting, as far as it is known. */
  blocked?: Cause
  /** For people: how far the uploader is, as far as it said so. */
  progress?: string
  /** The same in numbers. */
  uploaded?: Uploaded
}

/** How much of the newest attempt's results is in the store; in all, where that is known. */
export interface Uploaded {
  files: number
  bytes: number
  total_files?: number
  total_bytes?: number
}

/**
 * A decision to stop a job; the first one stands. `canceled` ends the job as canceled, `failed` as failed with
 * the given reason, `deleted` removes it and all that it left.
 */
export interface Stop {
  outcome: 'canceled' | 'failed' | 'deleted'
  cause: Cause
  at: number
  /** UID of the attempt whose end decided it: a later one counts for nothing and is removed. */
  attempt?: string
}

/** An attempt that the platform ended: evicted, drained, preempted. */
export interface Disruption extends Cause {
  /** Its UID and number. */
  attempt: string
  number: number
  /** Its worker had started. */
  started: boolean
  at: number
}

/**
 * An uploader alone, which brings into the store what the attempt's own one left: `possible` where it may be asked for
 * (JobBackend.rescue), `running` while one writes or may still do so, `over` when none will any more.
 */
export interface Rescue {
  state: 'possible' | 'running' | 'over'
  /** For people: what keeps it from getting on, or why it failed. */
  message?: string
}

/** One pod, or in the embedded backend one run of the command. */
export interface Attempt {
  uid: string
  /** From 1 on. */
  number: number
  /** When it was made, where that is known. */
  createdAt?: number
  /** A node was found for it. */
  scheduled: boolean
  uploader: ContainerObservation & {
    /** Inputs are there and the store is proved: the worker may start. */
    ready: boolean
  }
  worker: ContainerObservation
  /** When somebody else than the API asked for its end: deletion, eviction, drain, a lost node. */
  interrupted?: Cause & { at: number }
  /** Nothing of it runs any more. */
  ended: boolean
}

export interface ContainerObservation {
  startedAt?: number
  finishedAt?: number
  /** Milliseconds by which `finishedAt` may be too early: 1000 on Kubernetes, which gives whole seconds. */
  resolution: number
  exitCode?: number
  /** The container's own reason, when it is more than an exit code: OOMKilled, Evicted. */
  cause?: Cause
  /** What it left as its termination message. */
  message?: string
  restarts: number
}

/** What is in the store of an attempt's results: that there are none and will be none, or the manifest's head. */
export type Stored = 'none' | ManifestHead
