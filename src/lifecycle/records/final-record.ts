import type { Job } from '../../job/job.ts'
import type { LogName } from '../../job/log-name.ts'
import type { JobRequest } from '../../job/request/request.ts'

/** An archived job: `jobs/<uuid>/job.json`, which outlives the job's Job object. */
export interface FinalRecord {
  version: 1
  job: Job
  /** With the values of its environment blanked. */
  request: JobRequest
  request_sha256: string
  /** When the job was first archived; RFC 3339, as all times. */
  ended_at: string
  /** When its result expires; absent: never. */
  expires_at?: string
  /** Of each archived log, whether its beginning is there; null if that isn't known. */
  logs: Partial<Record<LogName, { from_beginning: boolean | null }>>
}

/** What the list of jobs shows of a record. */
export type ListedRecord = Pick<FinalRecord, 'job' | 'expires_at'>
