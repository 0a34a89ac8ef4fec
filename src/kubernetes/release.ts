import type { Api } from './api.ts'
import { isArchived, stopOf } from './marks.ts'
import { annotations, finalizer, jobName } from './names.ts'
import type { Job } from './objects.ts'
import { deleteJob, removeBelongings, removeJob, removeRescue } from './removal.ts'
import { hasStatus } from './status-error.ts'
import { endPods } from './stop.ts'

/**
 * Lets a job go whose log and record are archived. The Job's own time to live is set only now: before, it would
 * have been deleted with what was still owed to it. It counts from the Job's end, not from here. Whoever decides
 * meanwhile to delete the job either comes first, and it stays, or finds it archived.
 */
export async function releaseJob(api: Api, uuid: string, keepSeconds: number): Promise<Job | undefined> {
  for (;;) {
    const job = await api.jobs.get(jobName(uuid))
    if (job === undefined || stopOf(job)?.outcome === 'deleted') return job
    const isDeleted = job.metadata?.deletionTimestamp !== undefined
    const goes = keepSeconds === 0 || isDeleted
    // What lives at this point has nothing left to do; the collector would give it the pod's hour.
    if (goes) await endPods(api, job)
    try {
      await removeBelongings(api, job)
      // Once it is archived, a deleted Job may be gone before anything else is done.
      if (isDeleted) await removeRescue(api, job, uuid)
      const archived = isArchived(job) ? job : await markArchived(api, job, keepSeconds)
      if (!isDeleted) await removeRescue(api, job, uuid)
      if (goes) await deleteJob(api, job)
      return archived
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}

/** Removes a job of which the store has nothing. */
export async function discardJob(api: Api, uuid: string): Promise<void> {
  const job = await api.jobs.get(jobName(uuid))
  if (job === undefined) return
  await endPods(api, job)
  await removeBelongings(api, job)
  await removeRescue(api, job, uuid)
  await removeJob(api, job)
}

async function markArchived(api: Api, job: Job, keepSeconds: number): Promise<Job> {
  const { name = '', uid, resourceVersion, finalizers = [] } = job.metadata ?? {}
  return await api.jobs.merge(name, {
    metadata: {
      uid,
      resourceVersion,
      annotations: { [annotations.archived]: new Date().toISOString() },
      finalizers: finalizers.filter((one) => one !== finalizer),
    },
    spec: { ttlSecondsAfterFinished: keepSeconds },
  })
}
