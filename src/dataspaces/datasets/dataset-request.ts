import type { ConfiguredJob } from '../../job/request/request-schema.ts'
import type { Admission, AdmittedRequest } from '../../lifecycle/deploy/admission.ts'
import type { Deployment, Jobs } from '../../lifecycle/jobs.ts'
import { Problem } from '../../util/errors.ts'
import type { DatasetJob } from './datasets.ts'

export interface DatasetJobParts {
  configured: { get(name: string): ConfiguredJob | undefined }
  admission: Pick<Admission, 'admit'>
}

/**
 * The request for a dataset's job. Rejects with a Problem `unavailable` if no such job is
 * configured: connectors repeat the request then, so the transfer survives until the operator has
 * corrected the configuration.
 */
export async function datasetRequest(
  { job, env }: DatasetJob,
  { configured, admission }: DatasetJobParts,
): Promise<AdmittedRequest> {
  const found = configured.get(job)
  if (found) return await admission.admit({ configured: found, request: { job, env } })
  throw new Problem(
    'unavailable',
    `The configured job ${JSON.stringify(job)} that this dataset needs does not exist`,
    {
      retryAfterSeconds: 30,
    },
  )
}

/**
 * Begins the creation of a dataset's job. Rejects `unavailable` at the limit of live jobs:
 * connectors repeat a request after a 503, and give a transfer up after a 429.
 */
export async function beginDatasetJob(
  jobs: Pick<Jobs, 'beginDeployment'>,
  key: string,
  by: string | undefined,
): Promise<Deployment> {
  try {
    return await jobs.beginDeployment(key, by)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'too-many-jobs') throw error
    throw new Problem('unavailable', error.message, { retryAfterSeconds: 30, cause: error })
  }
}
