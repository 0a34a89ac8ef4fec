import { isRunning, type KnownJob, progressOf } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/**
 * Looks at the jobs that a waiting job waits for: at once when it is new to this process or one of
 * them has ended or is gone, else from time to time. As long as the backend doesn't show the
 * present, a job that it doesn't show may be there.
 */
export function awaitJobsPolicy(known: KnownJob, { now, isCurrent }: Situation): Plan {
  const { stop, deletedAt, ended, waiting } = known.live.observation
  if (waiting === undefined || known.awaited === undefined) return {}
  if (stop || deletedAt !== undefined || ended || isRunning(known, 'await-jobs')) return {}
  if (!isCurrent) return { lookAgainAt: now + againMilliseconds }
  const { changes, seen } = known.awaited
  const isNew = changes > seen && progressOf(known, 'await-jobs').failures === 0
  return isNew ? { action: { duty: 'await-jobs' } } : begin(known, { duty: 'await-jobs' }, now)
}

const againMilliseconds = 1000
