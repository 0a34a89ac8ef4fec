import type { Api } from './api.ts'
import { finalizer } from './names.ts'
import type { Job } from './objects.ts'
import { hasStatus } from './status-error.ts'

/** Removes a Job whose creation was not completed; false where somebody completed or removed it meanwhile. */
export async function removeUnfinished(api: Api, job: Job): Promise<boolean> {
  const { name = '', uid = '', resourceVersion = '' } = job.metadata ?? {}
  const removed = await api.jobs.remove(name, {
    propagationPolicy: 'Background',
    preconditions: { uid, resourceVersion },
  })
  if (removed) await dropFinalizer(api, name, uid)
  return removed
}

/** Deletes a Job with all that belongs to it and lets it go; one that is gone counts as removed. */
export async function removeJob(api: Api, job: Job): Promise<void> {
  const { name = '', uid = '' } = job.metadata ?? {}
  // In this order: a Job without the finalizer that isn't deleted would be one that nobody cares for.
  await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions: { uid } })
  await dropFinalizer(api, name, uid)
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
