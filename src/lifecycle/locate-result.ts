import { isFinal } from '../job/job.ts'
import type { LocateResult } from '../results/locate.ts'
import { Problem } from '../util/errors.ts'
import { expiredProblem } from './job-answer.ts'
import type { Jobs } from './jobs.ts'

/** LocateResult over all jobs, live and finished. */
export function createLocateResult(jobs: Jobs): LocateResult {
  return async (uuid, soFar = false) => {
    const job = await jobs.get(uuid)
    if (!job) throw new Problem('not-found', `there is no job ${uuid}`)
    if (!isFinal(job.state) && soFar)
      return { job, attempt: job.attempt?.uid ?? 'none', state: 'provisional' }
    if (!isFinal(job.state)) {
      throw new Problem(
        'not-final',
        `job ${uuid} is ${job.state}; its results can be read once it has ended, and the files stored so far with so_far=true`,
        { retryAfterSeconds: job.state === 'storing' ? 1 : 5 },
      )
    }
    const { state } = job.result
    if (state === 'expired') throw expiredProblem(job)
    if (state === null || state === 'missing' || !job.attempt) {
      throw new Problem('result-missing', `job ${uuid} left no results: ${job.reason}: ${job.message}`)
    }
    return { job, attempt: job.attempt.uid, state }
  }
}
