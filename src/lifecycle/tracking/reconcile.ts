import type { LiveJob } from '../../job/backend.ts'
import type { KnownJob } from './known-job.ts'
import type { Plan, Situation, TrackingAction } from './plan.ts'
import { announceStopPolicy } from './policies/announce-stop.ts'
import { archivePolicy, isToBeFinished } from './policies/archive.ts'
import { awaitJobsPolicy } from './policies/await-jobs.ts'
import { endRepeatsPolicy, hasRepeats } from './policies/end-repeats.ts'
import { enforceDeadlinesPolicy } from './policies/enforce-deadlines.ts'
import { followLogPolicy } from './policies/follow-log.ts'
import { lookUpManifestPolicy } from './policies/look-up-manifest.ts'
import { notifyEndPolicy } from './policies/notify-end.ts'
import { letGoOverdue, nextDeletionPhase } from './policies/overdue-deletion.ts'
import { updateKnown } from './update-known.ts'

export interface Reconciliation {
  known: KnownJob
  actions: TrackingAction[]
  /** Milliseconds since the epoch; absent: only once something changes. */
  lookAgainAt?: number
}

/**
 * What is known of a job that its backend shows as `found`, and what is to be done for it. Pure.
 */
export function reconcile(
  before: KnownJob | undefined,
  found: LiveJob,
  situation: Situation,
): Reconciliation {
  const known = updateKnown(before, found, situation)
  const plans = plansFor(known, situation)
  const actions = plans.flatMap(({ action }) => action ?? [])
  const times = plans.flatMap(({ lookAgainAt }) => lookAgainAt ?? [])
  return { known, actions, ...(times.length > 0 && { lookAgainAt: Math.min(...times) }) }
}

function plansFor(known: KnownJob, situation: Situation): Plan[] {
  const forAll = [nextDeletionPhase(known, situation), lookUpManifestPolicy(known, situation)]
  if (!situation.isLeader) return forAll
  const forLeader = [...forAll, letGoOverdue(known, situation), notifyEndPolicy(known, situation)]
  if (hasRepeats(known)) return [...forLeader, endRepeatsPolicy(known, situation)]
  if (isToBeFinished(known)) return [...forLeader, archivePolicy(known, situation)]
  const whileLive = [awaitJobsPolicy, followLogPolicy, announceStopPolicy, enforceDeadlinesPolicy].map(
    (policy) => policy(known, situation),
  )
  return [...forLeader, ...whileLive]
}
