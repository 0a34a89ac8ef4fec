import { nextDeadline } from '../../../job/state/deadlines.ts'
import type { KnownJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

const againMilliseconds = 1000

/**
 * Stops a job that exceeds its time or its disruptions. As long as the backend doesn't show the
 * present nothing is stopped: the worker may have started, or ended, in time.
 */
export function enforceDeadlinesPolicy(known: KnownJob, { now, isCurrent }: Situation): Plan {
  const next = nextDeadline(known.live.observation, known.live.request, now)
  if (next === undefined) return {}
  if ('at' in next) return { lookAgainAt: next.at }
  return isCurrent
    ? begin(known, { duty: 'stop', stop: next.stop }, now)
    : { lookAgainAt: now + againMilliseconds }
}
