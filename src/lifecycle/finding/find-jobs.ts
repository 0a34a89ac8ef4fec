import type { Job } from '../../job/job.ts'
import { defined } from '../../util/objects.ts'
import { checkPosition } from '../job-list.ts'
import type { JobFilter } from './job-filter.ts'
import { readAll, readRecorded } from './read-page.ts'
import { type FindingParts, selectJobs } from './select-jobs.ts'

/**
 * A page of the jobs that a filter finds, newest first. A record is read anew: a job that another
 * process has deleted isn't listed.
 */
export async function findJobs(
  parts: FindingParts,
  filter: JobFilter,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ jobs: Job[]; next?: string }> {
  checkPosition(after)
  const { found, next } = await selectJobs(parts, filter, { limit, after })
  const jobs = await readAll(
    found.map((one) => ({
      async read() {
        if ('live' in one) return one.live
        return await readRecorded({ ...one.finished, read: () => parts.records.read(one.uuid) })
      },
    })),
  )
  return { jobs: jobs.filter((job) => job !== undefined), ...defined({ next }) }
}
