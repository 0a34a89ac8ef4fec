import type { Stop } from '../../../job/state/observation.ts'
import type { Api } from '../api/api.ts'
import type { KubernetesJob, Pod } from '../api/objects.ts'
import { hasStatus } from '../api/status-error.ts'
import { isCreating, requestOfJob, stopOf } from '../job-metadata.ts'
import { annotations, jobName, podsOfJobs } from '../names.ts'
import { type CachedPod, isTerminal } from '../observation/pod-state.ts'
import { againJobs, limitAgainJobs } from './again.ts'
import { deleteJob, removeUnfinished } from './removal.ts'

/**
 * Records the stop in the Job, then ends it: first its pods, since the first deletion of a pod
 * decides on its grace; then the Job, so that it gets no other pod. Another process that finds only
 * the record goes on with endJob(). Resolves with the changed Job, undefined if there is none.
 */
export async function stopJob(api: Api, uuid: string, stop: Stop): Promise<KubernetesJob | undefined> {
  for (;;) {
    const job = await recordStop(api, jobName(uuid), stop)
    if (job === undefined) return undefined
    if (!isCreating(job)) {
      await limitAgainJobs(api, job)
      await endJob(api, job)
      return job
    }
    if (await removeUnfinished(api, job)) return undefined
    // Its creation was completed meanwhile: now it is stopped like any other.
  }
}

/** Ends a job whose Job records a stop, or is deleted. */
export async function endJob(api: Api, job: KubernetesJob): Promise<void> {
  const agains = await againJobs(api, job)
  await endPodsOf(api, job, agains)
  for (const one of agains) await deleteJob(api, one)
  await deleteJob(api, job)
}

/** Deletes the job's running pods with `stop_grace_seconds`. */
export async function endPods(api: Api, job: KubernetesJob): Promise<void> {
  await endPodsOf(api, job, await againJobs(api, job))
}

async function endPodsOf(api: Api, job: KubernetesJob, agains: readonly KubernetesJob[]): Promise<void> {
  const grace = graceOf(job)
  const uids = [job, ...agains].map(({ metadata }) => metadata?.uid ?? '')
  // By the Job controller's label: a client may have taken ours away, and an orphaned pod has no
  // owner.
  const pods = await api.pods.list({ labelSelector: podsOfJobs(uids) })
  const living = pods.items.filter((pod) => needsDeletion(pod, grace))
  await Promise.all(living.map((pod) => endPod(api, pod, grace)))
}

/** Whether a pod is not deleted yet, or was deleted with a longer grace. */
export function needsDeletion(pod: Pod, grace: number): boolean {
  if (isTerminal(pod)) return false
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata ?? {}
  return deletionTimestamp === undefined || deletionGracePeriodSeconds > grace
}

/** Whether a pod too many was deleted, and with a longer grace than the job's. */
export function isThrownAway({ pod }: CachedPod, grace: number): boolean {
  return pod.metadata?.deletionTimestamp !== undefined && needsDeletion(pod, grace)
}

/** Ends the pods too many that the Job controller deleted, with `stop_grace_seconds`. */
export async function endExcess(api: Api, job: KubernetesJob, excess: readonly CachedPod[]): Promise<void> {
  const grace = graceOf(job)
  const going = excess.filter((seen) => isThrownAway(seen, grace))
  await Promise.all(going.map(({ pod }) => endPod(api, pod, grace)))
}

export function graceOf(job: KubernetesJob): number {
  return requestOfJob(job).stop_grace_seconds
}

async function endPod(api: Api, pod: Pod, gracePeriodSeconds: number): Promise<void> {
  const { name = '', uid = '' } = pod.metadata ?? {}
  await api.pods.remove(name, { gracePeriodSeconds, preconditions: { uid } })
}

/**
 * The first recorded stop counts; `deleted` alone replaces another. It gets the time of the record:
 * processes that see a worker's end before the record and after it must come to the same result.
 */
async function recordStop(api: Api, name: string, stop: Stop): Promise<KubernetesJob | undefined> {
  for (;;) {
    const job = await api.jobs.get(name)
    if (job === undefined || isCreating(job)) return job
    const standing = stopOf(job)
    if (standing !== undefined && (stop.outcome !== 'deleted' || standing.outcome === 'deleted')) return job
    try {
      return await api.jobs.merge(name, {
        metadata: {
          uid: job.metadata?.uid,
          resourceVersion: job.metadata?.resourceVersion,
          annotations: { [annotations.stop]: JSON.stringify({ ...stop, at: Date.now() }) },
        },
        // No other attempt may follow if this process ends before it deletes the Job. Not fewer
        // than have failed: then the Job controller would delete the running pod at once, with the
        // pod's own grace of an hour.
        spec: { backoffLimit: Math.min(job.spec?.backoffLimit ?? 0, job.status?.failed ?? 0) },
      })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}
