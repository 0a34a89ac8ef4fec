import type { KnownJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/**
 * Follows the worker's log of a pod that is going. A rescue may take hours, in which a node that
 * runs out of room drops the logs of ended pods.
 */
export function followLogPolicy(known: KnownJob, { now }: Situation): Plan {
  const { attempt, stop, deletedAt, rescue } = known.live.observation
  const isGoing = [stop, deletedAt, attempt?.interrupted].some((one) => one !== undefined)
  if (!isGoing && rescue?.state !== 'running') return {}
  if (attempt?.worker.startedAt === undefined || known.assessment.deleted) return {}
  if (known.followedLog === attempt.uid) return {}
  return begin(known, { duty: 'follow-log', attempt: attempt.uid }, now)
}
