import type { Usage } from '../../job/history/usage-answer.ts'
import { type Job, phaseOf, type Transition } from '../../job/job.ts'
import type { LogName } from '../../job/log-name.ts'
import type { JobRequest } from '../../job/request/request.ts'
import type { Values } from '../../job/word/values-file.ts'
import { defined } from '../../util/objects.ts'

/** An archived job: `jobs/<uuid>/job.json`, which outlives the job's Job object. */
export interface FinalRecord {
  version: 1
  job: Job
  /** With the values of its environment blanked. */
  request: JobRequest
  request_sha256: string
  /** Of the list of inputs; null without inputs, absent in records of version 0.2 and older. */
  inputs_sha256?: string | null
  /** Of its worker's `values.json`; not in `job`, which lists keep in memory. */
  values?: Values
  /** Nor are these in `job`; absent in records of version 0.2 and older. */
  history?: readonly Transition[]
  usage?: Usage
  /** When the job was first archived; RFC 3339, as all times. */
  ended_at: string
  /** When its result expires; absent: never. */
  expires_at?: string
  /** Of each archived log, whether its beginning is there; null if that isn't known. */
  logs: Partial<Record<LogName, { from_beginning: boolean | null }>>
}

/** What a request's answers show of its names; absent ones are left out. */
export function namesOf({
  name,
  labels = {},
}: Partial<Pick<JobRequest, 'name' | 'labels'>>): Pick<Job, 'name' | 'labels'> {
  const hasLabels = Object.keys(labels).length > 0
  return { ...defined({ name }), ...(hasLabels && { labels }) }
}

/** A record as it is read: version 0.2 wrote neither phase nor names into the answer. */
export function completed(record: FinalRecord): FinalRecord {
  const { job, request } = record
  return { ...record, job: { ...job, ...namesOf(request), phase: phaseOf(job.state) } }
}

/** What the list of jobs shows of a record. */
export type ListedRecord = Pick<FinalRecord, 'job' | 'expires_at'>
