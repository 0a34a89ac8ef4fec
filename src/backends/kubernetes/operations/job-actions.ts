import type { JobBackend } from '../../../job/backend.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
import { messageOf } from '../../../util/errors.ts'
import type { Log } from '../../../util/log.ts'
import type { Api } from '../api/api.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { hasStatus, rejectProblem } from '../api/status-error.ts'
import type { JobCache } from '../cache/job-cache.ts'
import { isArchived, requestSha256Of } from '../job-metadata.ts'
import { jobName } from '../names.ts'
import { shownPod } from '../observation/disruptions.ts'
import type { KubernetesSettings } from '../settings.ts'
import { writeAwaitedJobs } from './await-jobs.ts'
import { createJob, previewJob } from './creation.ts'
import { notifyUploaders } from './notify-uploaders.ts'
import { discardJob, releaseJob } from './release.ts'
import { startRescue } from './rescue.ts'
import { stopJob } from './stop.ts'

export type JobActions = Pick<
  JobBackend,
  'create' | 'preview' | 'awaitJobs' | 'look' | 'stop' | 'release' | 'discard' | 'notifyStop' | 'rescue'
>

interface ActionParts {
  api: Api
  cache: JobCache
  log: Log
  /** The settings with the uploader's image, which is known once the backend has started. */
  settings: () => KubernetesSettings
}

/** What the backend does with one job; the cache has the Job of each answer at once. */
export function createJobActions(parts: ActionParts): JobActions {
  const { api, cache, settings } = parts
  const put = (job: KubernetesJob | undefined) => job !== undefined && cache.putJob(job)
  return {
    async create(plan) {
      const { created, job } = await createJob(api, settings(), plan)
      cache.putJob(job)
      return { created, requestSha256: requestSha256Of(job) }
    },

    preview: (plan) => previewJob(api, settings(), plan),

    async awaitJobs(uuid, jobs, attempts) {
      put(await writeAwaitedJobs(api, uuid, jobs, attempts).catch(rejectProblem))
    },

    async look(uuid) {
      put(await api.jobs.get(jobName(uuid)).catch(rejectProblem))
    },

    async stop(uuid, stop) {
      const job = await stopJob(api, uuid, stop).catch(rejectProblem)
      put(job)
      return job !== undefined && !isArchived(job)
    },

    async release(uuid, keepSeconds) {
      const job = await releaseJob(api, uuid, keepSeconds).catch(rejectProblem)
      await revokeKey(parts, uuid)
      put(job)
    },

    async discard(uuid) {
      await discardJob(api, uuid).catch(rejectProblem)
      await revokeKey(parts, uuid)
    },

    notifyStop: (uuid, stop) => notifyUploaders(api, uuid, stop),

    rescue: (uuid) => rescueJob(parts, uuid),
  }
}

/**
 * A key that stays opens one folder alone, and nobody has it any more: no job waits for its
 * removal.
 */
async function revokeKey({ settings, log }: ActionParts, uuid: string): Promise<void> {
  try {
    await settings().store.folderCredentials?.revoke(jobKeys.job(uuid))
  } catch (error) {
    log.warn({ job: uuid, error: messageOf(error) }, "a job's key for the store could not be removed")
  }
}

async function rescueJob({ api, cache, settings }: ActionParts, uuid: string): Promise<void> {
  const seen = cache.cachedJob(uuid)
  const shown = seen && shownPod(seen.job, seen.pods)
  if (shown === undefined) return
  try {
    await startRescue(api, settings(), uuid, shown)
  } catch (error) {
    // A quota, a missing permission: a repeated request would be refused as well.
    if (!hasStatus(error, 400, 403, 413, 422)) rejectProblem(error)
    cache.refuseRescue(uuid, messageOf(error))
  }
}
