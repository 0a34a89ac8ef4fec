import type { LiveJob } from '../job/backend.ts'
import type { Observation } from '../job/observation.ts'
import { isTerminal, type SeenPod } from './attempt.ts'
import { isArchived, requestOf, requestSha256Of } from './marks.ts'
import { trackingFinalizer } from './names.ts'
import type { Job, Pod } from './objects.ts'
import { observe, podsKey, type Seen } from './observe.ts'
import { jobUidOf } from './slim.ts'
import { endedBySuspension } from './suspension.ts'

/** A Job and its pods, as they were seen last. */
export interface SeenJob extends Pick<Seen, 'job' | 'pods' | 'podsKnown' | 'rescue'> {
  uuid: string
  /** The watch shows it no more, though nothing can have removed it: somebody took its label away. */
  lost: boolean
}

/** What of an Observation shows elsewhere than in the cluster's objects. */
export type Noticed = Pick<Observation, 'blocked' | 'progress' | 'uploaded'>

export interface JobRecord {
  job?: Job
  pods: Map<string, SeenPod>
  noticed?: Noticed
  lost?: boolean
  /** All pods were asked for when the Job was so far (podsKey). */
  podsKnownFor?: string
  /** Made when it is asked for, dropped at every change. */
  live?: LiveJob | undefined
}

/** The attempts of this very Job: one of the same name may have been there before. */
export function podsOf(record: JobRecord, job: Job): Pick<SeenJob, 'pods' | 'podsKnown'> {
  const uid = job.metadata?.uid
  const pods = [...record.pods.values()].filter(
    (seen) => jobUidOf(seen.pod) === uid && !endedBySuspension(seen, job),
  )
  return { pods, podsKnown: record.podsKnownFor === podsKey(job) }
}

export function liveJob(uuid: string, job: Job, seen: Omit<Seen, 'job'>): LiveJob {
  return {
    uuid,
    request: requestOf(job),
    requestSha256: requestSha256Of(job),
    observation: observe({ job, ...seen }),
    released: isArchived(job),
  }
}

/**
 * Whether a pod that the watch shows no more can't be gone: one that the Job controller still holds is shown as being
 * deleted first. Then somebody took its label away.
 */
export function mayStillRun(pod: Pod): boolean {
  const { deletionTimestamp, finalizers = [] } = pod.metadata ?? {}
  return deletionTimestamp === undefined && finalizers.includes(trackingFinalizer) && !isTerminal(pod)
}
