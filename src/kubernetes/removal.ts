import type { Api } from './api.ts'
import { isCreating, requestOf } from './marks.ts'
import { finalizer, rescueName } from './names.ts'
import type { Job } from './objects.ts'
import { hasStatus } from './status-error.ts'

/**
 * Removes a Job whose creation was not completed; false where somebody completed it meanwhile. The Job controller
 * writes into a Job as soon as it is there, so the version that was seen is often not the newest one.
 */
export async function removeUnfinished(
  api: Api,
  { metadata: { name = '', uid = '' } = {} }: Job,
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

/** Deletes a Job with all that belongs to it and lets it go; one that is gone counts as removed. */
export async function removeJob(api: Api, job: Job): Promise<void> {
  const { name = '', uid = '' } = job.metadata ?? {}
  // In this order: a Job without the finalizer that isn't deleted would be one that nobody cares for.
  await deleteJob(api, job)
  await dropFinalizer(api, name, uid)
}

/**
 * Removes a Job's Secret and ConfigMap, which nothing needs after its end. They have an owner reference, but one who
 * deletes the Job as an orphan takes it from them, and the uploader's credentials would stay for ever (tried).
 */
export async function removeBelongings(api: Api, job: Job): Promise<void> {
  const { name = '' } = job.metadata ?? {}
  await api.secrets.remove(name)
  if (Object.keys(requestOf(job).job_env).length > 0) await api.configMaps.remove(name)
}

/**
 * Removes the Job that rescued results, with its pods, which an orphaning deletion leaves too. Only where no rescue can
 * follow: to who finds none before the Job is archived or deleted, one is possible still.
 */
export async function removeRescue(api: Api, job: Job, uuid: string): Promise<void> {
  if (requestOf(job).result_storage_class === undefined) return
  await api.jobs.remove(rescueName(uuid), { propagationPolicy: 'Background' })
}

/** Asks for the Job's deletion; its finalizers may still hold it. */
export async function deleteJob(api: Api, { metadata: { name = '', uid = '' } = {} }: Job): Promise<void> {
  await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions: { uid } })
}

/** Takes our finalizer from the Job, whatever others there are. */
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
