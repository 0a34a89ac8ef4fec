import type { Job } from '../../job/job.ts'
import { defined } from '../../util/objects.ts'
import { checkPosition } from '../job-list.ts'
import type { FinishedJob } from './finished-set.ts'
import type { JobFilter } from './job-filter.ts'
import { readAll, readRecorded } from './read-page.ts'
import { type FindingParts, selectJobs } from './select-jobs.ts'

/** A page of the jobs that a filter finds, newest first. */
export async function findJobs(
  parts: FindingParts,
  filter: JobFilter,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<{ jobs: Job[]; next?: string }> {
  checkPosition(after)
  const { found, next } = await selectJobs(parts, filter, { limit, after })
  const jobs = await readAll(
    found.map((one) => ({
      read: async () => ('live' in one ? one.live : await readFinished(parts, one.finished)),
    })),
  )
  return { jobs: jobs.filter((job) => job !== undefined), ...defined({ next }) }
}

async function readFinished({ records, finished }: FindingParts, job: FinishedJob): Promise<Job | undefined> {
  const read = await readRecorded({ ...job, read: () => records.listed(job) })
  if (read === undefined) finished.removed(job.uuid)
  return read
}
