import { isAwaited, isEnded, isRunning, type KnownJob } from '../known-job.ts'
import { begin, type Plan, type Situation } from '../plan.ts'

/**
 * Asks the store for the manifest of a job that is storing, until its state is decided, and for a
 * rescue once the uploader had ended and the store had no manifest. When the job ends, and when
 * this process becomes the leader after that, the store is asked at once: what is absent counts
 * from then on.
 */
export function lookUpManifestPolicy(known: KnownJob, { now, isLeader }: Situation): Plan {
  if (!isAwaited(known) || isRunning(known, 'look-up', 'rescue')) return {}
  if (isLeader && needsRescue(known)) return begin(known, { duty: 'rescue' }, now)
  const last = known.storing?.lastLookup
  const ended = isEnded(known.live)
  const countsMore = (ended && !last?.ended) || (ended && isLeader && !last?.settles)
  if (last && !countsMore && now < last.nextAt) return { lookAgainAt: last.nextAt }
  return { action: { duty: 'look-up' } }
}

function needsRescue({ attempt, live, storing }: KnownJob): boolean {
  const last = storing?.lastLookup
  if (!last?.answered || !last.uploaderEnded || last.attempt !== attempt) return false
  return live.observation.rescue?.state === 'possible'
}
