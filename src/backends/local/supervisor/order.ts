import type { AttemptFolders, JobFolders } from '../files/job-folders.ts'
import type { LocalAttemptRecord } from '../record/local-job-record.ts'

/** A program and its environment. */
export interface Program {
  command: readonly string[]
  env: Record<string, string>
}

/** The worker of a job, or one of its steps. */
export interface StepProgram extends Program {
  /** Of the step; absent for a job without steps. */
  name?: string
  logFile: string
  /** The file in which the shell of the step leaves the exit code of a failure that is ignored. */
  message?: string
  /** From its own start; absent: no limit. */
  timeoutSeconds?: number
}

/** What the supervisor of an attempt is given on its standard input, as JSON. */
export interface SupervisorOrder {
  job: string
  /** The step that it has reached: an attempt whose worker has ended is stored only. */
  attempt: LocalAttemptRecord
  jobFolders: JobFolders
  folders: AttemptFolders
  /** Run one after the other, until one fails. */
  steps: readonly StepProgram[]
  uploader: Program
  /** From the worker's start; absent: no limit. */
  timeoutSeconds?: number
  stopGraceSeconds: number
  uploadTimeoutSeconds: number
}
