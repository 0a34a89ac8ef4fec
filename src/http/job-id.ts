import type { Request } from 'express'
import { invalid, Problem } from '../errors.ts'
import { isJobUuid } from '../job/job-uuid.ts'

/** The job's uuid in the path. Rejects with a Problem `invalid-request` naming `id` where it is none. */
export function jobId(req: Request): string {
  const { id } = req.params
  if (typeof id === 'string' && isJobUuid(id)) return id
  throw invalid('id', 'is no job uuid', 'a UUID in lower case, as job_uuid gives it')
}

export function unknownJob(uuid: string): Problem {
  return new Problem('not-found', `There is no job ${uuid}`)
}
