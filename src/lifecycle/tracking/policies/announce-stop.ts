import type { KnownJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/**
 * Tells an uploader of a stop that its backend's signals don't reach: it is storing already, or the
 * job is deleted.
 */
export function announceStopPolicy(known: KnownJob, { now }: Situation): Plan {
  const { stop, attempt } = known.live.observation
  const finishedAt = attempt?.worker.finishedAt
  const isStoring = finishedAt !== undefined && stop !== undefined && stop.at >= finishedAt
  if (!stop || !(isStoring || stop.outcome === 'deleted')) return {}
  return begin(known, { duty: 'announce-stop', stop }, now)
}
