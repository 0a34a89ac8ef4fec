import type { JobRequest } from '../../../src/job/request/request.ts'
import { requestDefaults } from '../../../src/job/request/request-merge.ts'

/** A request with every default filled in, and the given fields. */
export function jobRequest(fields: Partial<JobRequest> = {}): JobRequest {
  return {
    job_env: {},
    ...requestDefaults,
    ...fields,
  }
}
