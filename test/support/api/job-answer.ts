import { type Job, phaseOf } from '../../../src/job/job.ts'

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
