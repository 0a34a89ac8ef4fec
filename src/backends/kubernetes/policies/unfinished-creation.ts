import { timeOf } from '../api/objects.ts'
import { isCreating } from '../job-metadata.ts'
import type { JobPolicy } from './job-policy.ts'

/** A creation that is not complete by then was given up. */
const creationMilliseconds = 60_000

/** Always decides on a Job whose creation is not complete: no other policy applies to it. */
export const unfinishedCreation: JobPolicy<'drop-finalizer' | 'remove-unfinished'> = ({ job }, now) => {
  if (!isCreating(job)) return undefined
  if (job.metadata?.deletionTimestamp !== undefined) return { action: 'drop-finalizer' }
  const givenUpAt = (timeOf(job.metadata?.creationTimestamp) ?? now) + creationMilliseconds
  return now > givenUpAt ? { action: 'remove-unfinished' } : { waitUntil: givenUpAt + 1 }
}
