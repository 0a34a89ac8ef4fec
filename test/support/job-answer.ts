import type { Job } from '../../src/job/job.ts'

/** A job that nothing is known of yet but the given fields. */
export function jobAnswer(fields: Pick<Job, 'job_uuid' | 'state'> & Partial<Job>): Job {
  return {
    ...{ job: null, reason: null, message: null, exit_code: null, attempt: null },
    ...{ created_at: '2026-11-21T06:00:00.000Z', started_at: null, finished_at: null },
    result: { state: null, count: null, bytes: null },
    ...fields,
  }
}
