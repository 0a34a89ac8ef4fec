import type { ConfiguredJob } from '../../../job/request/request-schema.ts'
import type { Jobs } from '../../../lifecycle/jobs.ts'
import { Problem } from '../../../util/errors.ts'

/** Uuid of the newest job of that name with a complete result. Rejects `not-found` without one. */
export async function latestOf(
  { job: name }: ConfiguredJob,
  jobs: Pick<Jobs, 'latestResult'>,
): Promise<string> {
  const { found, searched } = await jobs.latestResult(name)
  if (found !== undefined) return found.job_uuid
  const older = searched ? '' : '; older ones were not looked at'
  throw new Problem(
    'not-found',
    `no job of the configured job ${name} has succeeded and kept its complete result${older}: ` +
      `start one with GET /job/deploy?job=${name}, or find failed and partial ones with GET /job?job=${name}`,
  )
}
