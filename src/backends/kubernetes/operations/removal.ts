import type { Api } from '../api/api.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { hasStatus } from '../api/status-error.ts'
import { isCreating, requestOfJob } from '../job-metadata.ts'
import { finalizer, rescueName } from '../names.ts'

/**
 * Removes a Job whose creation was not completed; false if another process completed it meanwhile.
 * The Job controller writes into each new Job, so a watch's version of it is often not the newest.
 */
export async function removeUnfinished(
  api: Api,
  { metadata: { name = '', uid = '' } = {} }: KubernetesJob,
): Promise<boolean> {
  for (;;) {
    const job = await api.jobs.get(name)
    if (job === undefined || job.metadata?.uid !== uid) return true
    if (!isCreating(job)) return false
    const { resourceVersion = '' } = job.metadata
    const preconditions = { uid, resourceVersion }
    if (await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions })) {
      await dropFinalizer(api, name, uid)
      return true
    }
  }
}

/**
 * Deletes a Job with all that belongs to it and drops its finalizer. A Job that is gone counts as
 * removed.
 */
export async function removeKubernetesJob(api: Api, job: KubernetesJob): Promise<void> {
  const { name = '', uid = '' } = job.metadata ?? {}
  // In this order: no process would care for a Job that is neither deleted nor has the finalizer.
  await deleteJob(api, job)
  await dropFinalizer(api, name, uid)
}

/**
 * Removes a Job's Secret and ConfigMap, which no process needs after its end. A client's deletion
 * of the Job that orphans its dependents takes their owner reference away: the uploader's
 * credentials would stay for ever.
 */
export async function removeBelongings(api: Api, job: KubernetesJob): Promise<void> {
  const { name = '' } = job.metadata ?? {}
  await api.secrets.remove(name)
  if (Object.keys(requestOfJob(job).job_env).length > 0) await api.configMaps.remove(name)
}

/**
 * Removes the Job that rescued results, with its pods, which an orphaning deletion leaves as well.
 * To be called only when no rescue can follow: without a rescue Job, a new rescue is possible until
 * the Job is archived or deleted.
 */
export async function removeRescue(api: Api, job: KubernetesJob, uuid: string): Promise<void> {
  if (requestOfJob(job).result_storage_class === undefined) return
  await api.jobs.remove(rescueName(uuid), { propagationPolicy: 'Background' })
}

/** Requests the Job's deletion; its finalizers may delay that. */
export async function deleteJob(
  api: Api,
  { metadata: { name = '', uid = '' } = {} }: KubernetesJob,
): Promise<void> {
  await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions: { uid } })
}

/** Takes our finalizer from the Job, and leaves all others. */
export async function dropFinalizer(api: Api, name: string, uid: string): Promise<void> {
  for (;;) {
    const job = await api.jobs.get(name)
    const { finalizers = [], resourceVersion } = job?.metadata ?? {}
    if (job?.metadata?.uid !== uid || !finalizers.includes(finalizer)) return
    try {
      const others = finalizers.filter((one) => one !== finalizer)
      await api.jobs.merge(name, { metadata: { uid, resourceVersion, finalizers: others } })
      return
    } catch (error) {
      if (hasStatus(error, 404)) return
      if (!hasStatus(error, 409)) throw error
    }
  }
}
