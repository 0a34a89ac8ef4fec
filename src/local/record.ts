import { readFile } from 'node:fs/promises'
import type { Cause } from '../job/job.ts'
import type { Stop } from '../job/observation.ts'
import type { JobRequest } from '../job/request.ts'
import type { ProcessRef } from './process-table.ts'

/**
 * What is written down of a job (`job.json`), so that another process can take over after this one was killed
 * at any moment. Times are milliseconds since the epoch.
 */
export interface JobRecord {
  version: 1
  uuid: string
  /** With the values of `env` blanked. */
  request: JobRequest
  requestSha256: string
  inputsSha256?: string
  /** The worker's variables, merged; dropped once the job has ended. */
  environment: Record<string, string>
  createdAt: number
  stop?: Stop
  failedAttempts: number
  attempt?: AttemptRecord
  ended?: { at: number; cause?: Cause }
  /** release() was called: when it is to be removed. */
  removeAt?: number
}

export interface AttemptRecord {
  uid: string
  number: number
  uploader: ProcessRecord & {
    readyAt?: number
    /** Its termination message. */
    message?: string
  }
  worker: ProcessRecord & {
    /** Written down before the worker is started: from here on it may have run. */
    launchedAt?: number
    cause?: Cause
  }
  interrupted?: Cause & { at: number }
  endedAt?: number
}

export interface ProcessRecord {
  startedAt?: number
  process?: ProcessRef
  finishedAt?: number
  exitCode?: number
}

/** Reads a record; undefined where the file doesn't exist, rejects where it is none. */
export async function readRecord(path: string): Promise<JobRecord | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const record = JSON.parse(text) as JobRecord
  if (record.version !== 1) throw new Error(`${path}: version ${record.version} is not known to this program`)
  return record
}
