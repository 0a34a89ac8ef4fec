import type { LiveJob } from '../../../job/backend.ts'
import type { Observation } from '../../../job/state/observation.ts'
import { defined } from '../../../util/objects.ts'
import type { KubernetesJob, Pod } from '../api/objects.ts'
import {
  inputsSha256Of,
  isArchived,
  madeByOf,
  requestOfJob,
  requestSha256Of,
  rerunOf,
  restartedBy,
} from '../job-metadata.ts'
import { trackingFinalizer } from '../names.ts'
import { excessPods, isCountedExcess } from '../observation/excess.ts'
import { type JobObjects, observe, podsKey } from '../observation/observe.ts'
import { type CachedPod, hasEnded, isTerminal } from '../observation/pod-state.ts'
import { endedBySuspension } from '../observation/suspension.ts'
import type { CachedAgain } from './again-cache.ts'
import { jobUidOf } from './prune-objects.ts'
import { wholeJob } from './whole-job.ts'

/** A Job and its pods in their last known state. */
export interface CachedJob
  extends Pick<JobObjects, 'job' | 'pods' | 'excess' | 'podsKnown' | 'rescue' | 'word'> {
  uuid: string
  /** The further Jobs; `job` stands for all of them (wholeJob). */
  agains: readonly CachedAgain[]
  /** The watch no longer shows the Job though it cannot be gone: a client took its label away. */
  unlabelled: boolean
}

/**
 * Why a job makes no progress, or how much progress it makes, where no watched object shows that.
 */
export type Diagnosis = Pick<Observation, 'blocked' | 'progress' | 'uploaded'>

export interface CacheEntry {
  job?: KubernetesJob
  pods: Map<string, CachedPod>
  /** With the key of the query that it answers (queryKey). */
  diagnosis?: { key: string; found: Diagnosis }
  word?: JobObjects['word']
  unlabelled?: boolean
  /** The state of the Job for which all its pods were listed (podsKey). */
  podsKnownFor?: string
  /** Derived on demand, dropped at every change. */
  live?: LiveJob | undefined
}

/**
 * The job's Jobs as one, and the attempts of these Jobs alone: Jobs of the same names may have been
 * there before, and pods too many may run beside the attempts.
 */
export function podsOf(
  entry: CacheEntry,
  first: KubernetesJob,
  agains: readonly CachedAgain[],
): Pick<CachedJob, 'job' | 'pods' | 'excess' | 'podsKnown'> {
  const jobs = [first, ...agains.map(({ job }) => job)]
  const byUid = new Map(jobs.map((job) => [job.metadata?.uid, job]))
  const own = [...entry.pods.values()].filter((seen) => {
    const job = byUid.get(jobUidOf(seen.pod))
    return job !== undefined && !endedBySuspension(seen, job)
  })
  const tooMany = excessPods(own)
  const excess = [...tooMany].filter((seen) => !hasEnded(seen))
  const whole = wholeJob(first, agains)
  const counted = [...tooMany].filter((seen) => isCountedExcess(seen, whole)).length
  const job = counted === 0 ? whole : withFewerFailures(whole, counted)
  return {
    job,
    pods: tooMany.size === 0 ? own : own.filter((seen) => !tooMany.has(seen)),
    ...(excess.length > 0 && { excess }),
    podsKnown: entry.podsKnownFor === podsKey(job),
  }
}

/** The Job is gone: so are pods that were kept as ends of its attempts, and those the watch lost. */
export function dropJob(entry: CacheEntry): void {
  delete entry.job
  delete entry.diagnosis
  delete entry.word
  delete entry.unlabelled
  for (const [uid, { goneAt, unlabelled }] of entry.pods)
    if (goneAt !== undefined || unlabelled) entry.pods.delete(uid)
}

function withFewerFailures(job: KubernetesJob, fewer: number): KubernetesJob {
  const failed = Math.max(0, (job.status?.failed ?? 0) - fewer)
  return { ...job, status: { ...job.status, failed } }
}

export function liveJob(uuid: string, seen: JobObjects): LiveJob {
  const { job } = seen
  return {
    uuid,
    request: requestOfJob(job),
    requestSha256: requestSha256Of(job),
    ...defined({ madeBy: madeByOf(job), rerunOf: rerunOf(job), restart: restartedBy(job) }),
    ...defined({ inputsSha256: inputsSha256Of(job) }),
    observation: observe(seen),
    released: isArchived(job),
  }
}

/**
 * Whether a pod that the watch no longer shows cannot be gone: while the Job controller holds a
 * pod, the watch shows it as being deleted first. Then a client took its label away.
 */
export function mayStillRun(pod: Pod): boolean {
  const { deletionTimestamp, finalizers = [] } = pod.metadata ?? {}
  return deletionTimestamp === undefined && finalizers.includes(trackingFinalizer) && !isTerminal(pod)
}
