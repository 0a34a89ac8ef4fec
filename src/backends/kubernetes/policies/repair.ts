import { archivedJob } from './archived-job.ts'
import { excessPod } from './excess-pod.ts'
import { furtherJob } from './further-job.ts'
import type { JobPolicy } from './job-policy.ts'
import { lostLabels } from './lost-labels.ts'
import { stoppedJob } from './stopped-job.ts'
import { unfinishedCreation } from './unfinished-creation.ts'
import { unrecordedDisruption } from './unrecorded-disruption.ts'
import { unwantedRescue } from './unwanted-rescue.ts'

/**
 * An action that completes what a process left half done on a job, or that a change by another
 * client requires.
 */
export type Repair =
  | 'restore-labels'
  | 'remove-unfinished'
  | 'drop-finalizer'
  | 'end-repeat'
  | 'end-rescue'
  | 'end-excess'
  | 'record-disruption'
  | 'run-again'
  | 'release-again'
  | 'finish-stop'
  | 'end-pods'

const policies: readonly JobPolicy<Repair>[] = [
  lostLabels,
  unfinishedCreation,
  archivedJob,
  unwantedRescue,
  unrecordedDisruption,
  furtherJob,
  stoppedJob,
  excessPod,
]

/** The decision of the first policy that has one. */
export const repair: JobPolicy<Repair> = (job, now) => {
  for (const policy of policies) {
    const decision = policy(job, now)
    if (decision !== undefined) return decision
  }
  return undefined
}
