import type { Api } from '../api/api.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { hasStatus } from '../api/status-error.ts'
import { isArchived, stopOf } from '../job-metadata.ts'
import { annotations, finalizer, jobName } from '../names.ts'
import { releaseAgainJobs } from './again.ts'
import { deleteJob, dropFinalizer, removeBelongings, removeKubernetesJob, removeRescue } from './removal.ts'
import { endPods } from './stop.ts'

/**
 * Releases a job whose log and record are archived. The Job's own time to live is set only now,
 * since it counts from the Job's end and could have removed the Job before. A concurrent decision
 * to delete the job either comes first, and the Job stays, or finds the Job archived.
 */
export async function releaseJob(
  api: Api,
  uuid: string,
  keepSeconds: number,
): Promise<KubernetesJob | undefined> {
  for (;;) {
    const job = await api.jobs.get(jobName(uuid))
    if (job === undefined || stopOf(job)?.outcome === 'deleted') return job
    const isDeleted = job.metadata?.deletionTimestamp !== undefined
    const goes = keepSeconds === 0 || isDeleted
    // A pod that still runs has nothing left to do; the garbage collector would give it the pod's
    // grace of an hour.
    if (goes) await endPods(api, job)
    try {
      await removeBelongings(api, job)
      // Before the Job is archived, as it may be gone then: another process drops its finalizer.
      if (isDeleted) await removeOthers(api, job, uuid)
      const archived = isArchived(job) ? job : await setArchived(api, job, keepSeconds)
      if (isDeleted) await dropFinalizer(api, jobName(uuid), job.metadata?.uid ?? '')
      else {
        await removeRescue(api, job, uuid)
        await releaseAgainJobs(api, job, goes)
        if (goes) await deleteJob(api, job)
      }
      return archived
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}

/** Removes a job without objects in the store. */
export async function discardJob(api: Api, uuid: string): Promise<void> {
  const job = await api.jobs.get(jobName(uuid))
  if (job === undefined) return
  await endPods(api, job)
  await removeBelongings(api, job)
  await removeOthers(api, job, uuid)
  await removeKubernetesJob(api, job)
}

/** A deletion that orphans its dependents leaves them. */
async function removeOthers(api: Api, job: KubernetesJob, uuid: string): Promise<void> {
  await removeRescue(api, job, uuid)
  await releaseAgainJobs(api, job, true)
}

/**
 * A deleted Job keeps its finalizer: the patch that takes the last one from it removes it, whatever
 * another patch has written into it meanwhile.
 */
async function setArchived(api: Api, job: KubernetesJob, keepSeconds: number): Promise<KubernetesJob> {
  const { name = '', uid, resourceVersion, deletionTimestamp, finalizers = [] } = job.metadata ?? {}
  const kept = deletionTimestamp === undefined ? finalizers.filter((one) => one !== finalizer) : finalizers
  return await api.jobs.merge(name, {
    metadata: {
      uid,
      resourceVersion,
      annotations: { [annotations.archived]: new Date().toISOString() },
      finalizers: kept,
    },
    spec: { ttlSecondsAfterFinished: keepSeconds },
  })
}
