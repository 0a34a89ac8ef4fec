import type { Job } from '../../job/job.ts'
import { findJobs } from './find-jobs.ts'
import type { FindingParts } from './select-jobs.ts'

/** Jobs that are looked at, at most: of most configured jobs the first one is it. */
const mostLooked = 2000

/**
 * The newest job of a configured job that succeeded and has its complete result. `searched` is false
 * if older ones were not looked at any more.
 */
export async function latestResult(
  parts: FindingParts,
  job: string,
): Promise<{ found: Job | undefined; searched: boolean }> {
  const filter = { job, states: new Set(['succeeded' as const]), labels: [] }
  let [looked, limit] = [0, 1]
  for (let after: string | undefined; ; limit = 32) {
    const { jobs, next } = await findJobs(parts, filter, { limit, after })
    const found = jobs.find(({ result }) => result.state === 'complete')
    if (found !== undefined || next === undefined) return { found, searched: true }
    looked += limit
    if (looked >= mostLooked) return { found: undefined, searched: false }
    after = next
  }
}
