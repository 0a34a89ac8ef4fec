import { lastDisruption } from '../../../job/state/disruption.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import { type Again, decidedAgain, requestOfJob } from '../job-metadata.ts'
import { disruptionsOf, ownFailures } from '../observation/disruptions.ts'
import { isOwedAttempt, mayGoOn } from '../observation/owed-attempt.ts'
import type { JobPolicy } from './job-policy.ts'

/**
 * A Job that failed by start failures of the machine is followed by another one: nothing else gives
 * a failed Job another attempt.
 */
export const furtherJob: JobPolicy<'run-again'> = (seen) =>
  nextAgain(seen) === undefined ? undefined : { action: 'run-again' }

/** The Job to make now; undefined if none is due. */
export function nextAgain({ job, agains, pods, excess = [] }: CachedJob): Again | undefined {
  if (!mayGoOn(job)) return undefined
  const decided = decidedAgain(job)
  if (decided !== undefined && agains.every(({ number }) => number !== decided.number)) return decided
  if (!isOwedAttempt(job, pods) || excess.length > 0) return undefined
  const failed = job.status?.conditions?.some(
    ({ type, status, reason }) => type === 'Failed' && status === 'True' && reason === 'BackoffLimitExceeded',
  )
  if (!failed || lastDisruption(disruptionsOf(job, pods)) !== undefined) return undefined
  return {
    number: (decided?.number ?? 0) + 1,
    retries: requestOfJob(job).retries - ownFailures(job, pods),
  }
}
