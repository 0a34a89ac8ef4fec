import type { Stop } from '../job/observation.ts'
import type { Api } from './api.ts'
import { isTerminal } from './attempt.ts'
import { isCreating, requestOf, stopOf } from './marks.ts'
import { annotations, controllerLabels, jobName } from './names.ts'
import type { Job, Pod } from './objects.ts'
import { deleteJob, removeUnfinished } from './removal.ts'
import { hasStatus } from './status-error.ts'

/**
 * Writes the decision into the Job, then ends it: pods first, with the short grace, since the first deletion
 * decides it; then the Job, so that it gets no other pod. Whoever finds the decision and not the rest goes on
 * with endJob(). Resolves with the Job as it is then, undefined where there is none.
 */
export async function stopJob(api: Api, uuid: string, stop: Stop): Promise<Job | undefined> {
  for (;;) {
    const job = await writeDown(api, jobName(uuid), stop)
    if (job === undefined) return undefined
    if (!isCreating(job)) {
      await endJob(api, job)
      return job
    }
    if (await removeUnfinished(api, job)) return undefined
    // Its creation was completed meanwhile: now it can be stopped as any other.
  }
}

/** Ends a job that carries a decision. */
export async function endJob(api: Api, job: Job): Promise<void> {
  await endPods(api, job)
  await deleteJob(api, job)
}

/** Ends the Job's pods that still live with `stop_grace_seconds`. */
export async function endPods(api: Api, job: Job): Promise<void> {
  const grace = graceOf(job)
  // By the Job controller's label: ours may have been taken away, and an orphaned pod has no owner.
  const pods = await api.pods.list({ labelSelector: `${controllerLabels.uid}=${job.metadata?.uid}` })
  const living = pods.items.filter((pod) => needsDeletion(pod, grace))
  await Promise.all(living.map((pod) => endPod(api, pod, grace)))
}

/** Whether a pod is still to be deleted, or was with a longer grace than ours. */
export function needsDeletion(pod: Pod, grace: number): boolean {
  if (isTerminal(pod)) return false
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata ?? {}
  return deletionTimestamp === undefined || deletionGracePeriodSeconds > grace
}

export function graceOf(job: Job): number {
  return requestOf(job).stop_grace_seconds
}

async function endPod(api: Api, pod: Pod, gracePeriodSeconds: number): Promise<void> {
  const { name = '', uid = '' } = pod.metadata ?? {}
  await api.pods.remove(name, { gracePeriodSeconds, preconditions: { uid } })
}

/**
 * The first decision stands; `deleted` alone replaces another. It is of the time at which it is written: whoever sees
 * a worker's end before it is written, and whoever sees it after, are to come to the same end.
 */
async function writeDown(api: Api, name: string, stop: Stop): Promise<Job | undefined> {
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
        // Should this process end before it deletes the Job, no other attempt may follow. Not fewer than have failed: the
        // Job controller would delete the pod that runs at once, with the pod's own grace of an hour (tried).
        spec: { backoffLimit: Math.min(job.spec?.backoffLimit ?? 0, job.status?.failed ?? 0) },
      })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}
