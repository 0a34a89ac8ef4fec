import type { Api } from './api.ts'
import { isArchived } from './marks.ts'
import { annotations, finalizer, jobName } from './names.ts'
import type { Job } from './objects.ts'
import { removeJob } from './removal.ts'
import { hasStatus } from './status-error.ts'
import { endPods } from './stop.ts'

/**
 * Lets a job go whose log and record are archived. The Job's own time to live is set only now: before, it would
 * have been deleted with what was still owed to it. It counts from the Job's end, not from here.
 */
export async function releaseJob(api: Api, uuid: string, keepSeconds: number): Promise<Job | undefined> {
  for (;;) {
    const job = await api.jobs.get(jobName(uuid))
    if (job === undefined) return undefined
    if (keepSeconds === 0 || job.metadata?.deletionTimestamp !== undefined) {
      // What lives at this point has nothing left to do; the collector would give it the pod's hour.
      await endPods(api, uuid, job)
      await removeJob(api, job)
      return undefined
    }
    if (isArchived(job)) return job
    try {
      return await api.jobs.merge(jobName(uuid), {
        metadata: {
          uid: job.metadata?.uid,
          resourceVersion: job.metadata?.resourceVersion,
          annotations: { [annotations.archived]: new Date().toISOString() },
          finalizers: job.metadata?.finalizers?.filter((one) => one !== finalizer) ?? [],
        },
        spec: { ttlSecondsAfterFinished: keepSeconds },
      })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}
