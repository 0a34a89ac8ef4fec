import { stopOf } from '../job-metadata.ts'
import { graceOf, needsDeletion } from '../operations/stop.ts'
import type { JobPolicy } from './job-policy.ts'

/** The process that recorded a stop has that long to carry it out. */
const stopMilliseconds = 5_000

/** A recorded stop is carried out, and pods of a deleted Job end with the job's own grace. */
export const stoppedJob: JobPolicy<'finish-stop' | 'end-pods'> = (
  { job, agains, pods, excess = [] },
  now,
) => {
  const stop = stopOf(job)
  const deleted = job.metadata?.deletionTimestamp !== undefined
  if (stop !== undefined && now - stop.at < stopMilliseconds) return { waitUntil: stop.at + stopMilliseconds }
  if (stop !== undefined && !deleted) return { action: 'finish-stop' }
  // One that was made while the job was stopped or deleted would make pods.
  const others = agains.some((one) => one.job.metadata?.deletionTimestamp === undefined)
  if (deleted && others) return { action: 'finish-stop' }
  const grace = graceOf(job)
  const lives = [...pods, ...excess].some(
    ({ pod, goneAt }) => goneAt === undefined && needsDeletion(pod, grace),
  )
  return deleted && lives ? { action: 'end-pods' } : undefined
}
