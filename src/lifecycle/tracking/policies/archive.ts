import { isDone, isFinished, isOver, isQuiet, isRunning, type KnownJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/** True once a job is to be archived or, where it is deleted, removed. */
export function isToBeFinished(known: KnownJob): boolean {
  const { assessment, live } = known
  return isOver(known) ? !live.observation.lingering : assessment.deleted && isQuiet(live)
}

/**
 * Archives a job that has ended, and has the backend release it once its consumers are notified. A
 * deleted job is removed from the store instead, once its consumers are notified.
 */
export function archivePolicy(known: KnownJob, { now }: Situation): Plan {
  const { deleted } = known.assessment
  if (isDone(known, 'remove') || (isFinished(known) && !deleted)) return {}
  // A lookup may commit a manifest, and an announcement puts the stop: neither may come after a
  // removal.
  if (isRunning(known, 'archive', 'release', 'remove', 'look-up', 'rescue', 'announce-stop')) return {}
  if (!deleted && !isDone(known, 'archive')) return begin(known, { duty: 'archive' }, now)
  if (!isDone(known, 'notify-end')) return {}
  return begin(known, { duty: deleted ? 'remove' : 'release' }, now)
}
