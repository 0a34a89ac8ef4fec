import { stillWaiting } from '../../../job/dependencies/still-waiting.ts'
import type { AttemptsByJob } from '../../../job/state/observation.ts'
import type { Api } from '../api/api.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { hasStatus } from '../api/status-error.ts'
import { stopOf, waitingOf } from '../job-metadata.ts'
import { annotations, jobName } from '../names.ts'

/**
 * As JobBackend.awaitJobs(): of the Job's annotation, or with no job left its resumption, in one
 * patch. Resolves with the Job as it is then, undefined if there is none.
 */
export async function writeAwaitedJobs(
  api: Api,
  uuid: string,
  jobs: readonly string[],
  attempts?: AttemptsByJob,
): Promise<KubernetesJob | undefined> {
  const name = jobName(uuid)
  for (;;) {
    const job = await api.jobs.get(name)
    const waiting = job && waitingOf(job)
    if (job === undefined || waiting === undefined) return job
    if (stopOf(job) || job.metadata?.deletionTimestamp !== undefined) return job
    const { uid, resourceVersion } = job.metadata ?? {}
    const left = jobs.length > 0
    const changed = {
      [annotations.waiting]: left ? JSON.stringify(stillWaiting(waiting, jobs, attempts)) : null,
      ...(!left && { [annotations.begun]: new Date().toISOString() }),
    }
    try {
      return await api.jobs.merge(name, {
        metadata: { uid, resourceVersion, annotations: changed },
        ...(!left && { spec: { suspend: false } }),
      })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}
