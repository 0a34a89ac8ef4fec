import { lstat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cause } from '../../../job/job.ts'
import type { JobRequest } from '../../../job/request/request.ts'
import type {
  AttemptTimes,
  ResourceUse,
  StepObservation,
  Stop,
  Waiting,
} from '../../../job/state/observation.ts'
import type { Restart } from '../../../job/steps/restart.ts'
import { codeOf } from '../../../util/error-code.ts'
import type { JobFolders } from '../files/job-folders.ts'
import { readRegular } from '../files/open-regular.ts'
import type { ProcessRef } from '../process/process-table.ts'

/**
 * A job on disk (`job.json`), from which another process goes on after this one was killed at any
 * moment. Times are milliseconds since the epoch.
 */
export interface LocalJobRecord {
  version: 1
  uuid: string
  /** With the values of `env` blanked. */
  request: JobRequest
  requestSha256: string
  inputsSha256?: string
  madeBy?: string
  rerunOf?: string
  restart?: Restart
  /** The worker's variables, merged; dropped once the job has ended. */
  environment: Record<string, string>
  /** Of each step, its own variables; dropped as `environment`. Absent without steps. */
  stepEnvironments?: Record<string, string>[]
  createdAt: number
  /** Absent once it has begun, and for a job that never waited. */
  waiting?: Waiting
  /** When it had waited. */
  begunAt?: number
  stop?: Stop
  failedAttempts: number
  attempt?: LocalAttemptRecord
  /** Attempts that others followed, oldest first; absent before the first one. */
  earlier?: EarlierAttemptRecord[]
  ended?: { at: number; cause?: Cause }
  /** Set by release(): the time of its removal. */
  removeAt?: number
}

export interface EarlierAttemptRecord {
  number: number
  uid: string
  /** Absent in records of version 0.2 and older. */
  times?: AttemptTimes
}

export interface LocalAttemptRecord {
  uid: string
  number: number
  /** When it got its turn; absent in records of version 0.2 and older, as `host` and `used`. */
  createdAt?: number
  /** The machine's name. */
  host?: string
  /** The process that runs it, which outlives the API; absent in records of earlier versions. */
  supervisor?: ProcessRef
  uploader: ProcessRecord & {
    readyAt?: number
    /** Termination message. */
    message?: string
  }
  worker: ProcessRecord & {
    /** Saved before the worker is started: from this time on it may have run. */
    launchedAt?: number
    cause?: Cause
    /** The step that runs, or whose end is the worker's. */
    step?: string
  }
  /** In their order; absent without steps. */
  steps?: StepObservation[]
  interrupted?: Cause & { at: number }
  endedAt?: number
  /** Of the worker's programs. */
  used?: ResourceUse
}

export interface ProcessRecord {
  startedAt?: number
  process?: ProcessRef
  finishedAt?: number
  exitCode?: number
}

/**
 * The clock may have been set back since the start, which is then the end: a later end would seem to
 * come after the last pass over the results.
 */
export function recordEnd(program: { startedAt?: number; finishedAt?: number }, at: number): void {
  program.finishedAt = at
  if (program.startedAt !== undefined) program.startedAt = Math.min(program.startedAt, at)
}

/**
 * Writes down that a job is deleted where its record can't be written: an empty file needs no room
 * on a full disk.
 */
export async function markDeleted({ root }: Pick<JobFolders, 'root'>): Promise<void> {
  await writeFile(join(root, deletedMark), '', { mode: 0o600 })
}

/** As readRecord(), with the stop that markDeleted() has written down. */
export async function readJob({ root, record: path }: JobFolders): Promise<LocalJobRecord | undefined> {
  const record = await readRecord(path)
  const mark = record && (await lstat(join(root, deletedMark)).catch(() => undefined))
  if (record && mark && record.stop?.outcome !== 'deleted') {
    const cause: Cause = { reason: 'Canceled', message: 'deleted by request' }
    record.stop = { outcome: 'deleted', cause, at: Math.round(mark.mtimeMs) }
  }
  return record
}

const deletedMark = 'deleted'

/** Undefined if the file doesn't exist; rejects if it is no record. */
export async function readRecord(path: string): Promise<LocalJobRecord | undefined> {
  let text: string
  try {
    text = await readRegular(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const record = JSON.parse(text) as LocalJobRecord
  if (record.version !== 1) throw new Error(`${path}: version ${record.version} is not known to this program`)
  return record
}
