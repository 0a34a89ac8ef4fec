import { randomUUID } from 'node:crypto'
import { type Job, phaseOf } from '../../../src/job/job.ts'
import type { FinalRecord } from '../../../src/lifecycle/records/final-record.ts'
import { jobRequest } from './job-request.ts'

/** A job's answer with the given fields; all other fields are null. */
export function jobAnswer(fields: Pick<Job, 'job_uuid' | 'state'> & Partial<Job>): Job {
  return {
    ...{ job: null, reason: null, message: null, exit_code: null, attempt: null },
    phase: phaseOf(fields.state),
    ...{ created_at: '2026-11-21T06:00:00.000Z', started_at: null, finished_at: null },
    result: { state: null, count: null, bytes: null },
    ...fields,
  }
}

/** The record of a job that has succeeded, with the given fields. */
export function finalRecord(job: Partial<Job> = {}, fields: Partial<FinalRecord> = {}): FinalRecord {
  const answer = jobAnswer({
    job_uuid: randomUUID(),
    state: 'succeeded',
    exit_code: 0,
    attempt: { number: 1, uid: randomUUID() },
    result: { state: 'complete', count: 0, bytes: 0 },
    ...job,
  })
  return {
    version: 1,
    job: answer,
    request: jobRequest(),
    request_sha256: 'ab',
    ended_at: answer.created_at,
    logs: {},
    ...fields,
  }
}
