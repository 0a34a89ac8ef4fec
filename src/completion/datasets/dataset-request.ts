import { Problem } from '../../errors.ts'
import type { JobRequest } from '../../job/request.ts'
import { mergeRequest } from '../../job/request-merge.ts'
import type { ConfiguredJob } from '../../job/request-schema.ts'
import type { DatasetJob } from './datasets.ts'

/**
 * The request for a dataset's job. Rejects `unavailable` where no such job is configured: that is for the operator
 * to mend, and the transfer shall still be there then.
 */
export function datasetRequest(
  { job, env }: DatasetJob,
  configured: { get(name: string): ConfiguredJob | undefined },
): JobRequest {
  const found = configured.get(job)
  if (found) return mergeRequest({ configured: found, request: { job, env } })
  throw new Problem(
    'unavailable',
    `The configured job ${JSON.stringify(job)} that this dataset needs is not there`,
    {
      retryAfterSeconds: 30,
    },
  )
}
