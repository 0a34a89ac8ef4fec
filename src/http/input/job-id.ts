import type { Request } from 'express'
import type { Job } from '../../job/job.ts'
import { isJobUuid } from '../../job/job-uuid.ts'
import type { Jobs } from '../../lifecycle/jobs.ts'
import { invalid, Problem } from '../../util/errors.ts'

/** The job's uuid from the path. Throws a Problem `invalid-request` that names `id`. */
export function jobId(req: Request): string {
  const { id } = req.params
  if (typeof id === 'string' && isJobUuid(id)) return id
  throw invalid('id', 'is not a job uuid', 'a UUID in lower case, as job_uuid gives it')
}

/** The job; rejects with a Problem `not-found` if it does not exist. */
export async function existingJob(jobs: Pick<Jobs, 'get'>, uuid: string): Promise<Job> {
  const job = await jobs.get(uuid)
  if (!job) throw unknownJob(uuid)
  return job
}

export function unknownJob(uuid: string): Problem {
  return new Problem('not-found', `There is no job ${uuid}`)
}
