import type { Api } from '../api/api.ts'
import type { KubernetesJob } from '../api/objects.ts'
import { hasStatus, StatusError } from '../api/status-error.ts'
import { type Again, decidedAgain, firstJobOf, isArchived, stopOf } from '../job-metadata.ts'
import { againName, annotations, uuidInName } from '../names.ts'
import { againObject } from '../spec/again-spec.ts'
import { deleteJob, dropFinalizer } from './removal.ts'

/**
 * Gives a job another Job: first the decision, in the first Job, then the Job itself. A process
 * that finds only the decision goes on from there. Resolves with the Jobs as they are now, none if
 * the job was stopped, deleted or archived meanwhile.
 */
export async function runAgain(api: Api, job: KubernetesJob, next: Again): Promise<KubernetesJob[]> {
  const { name = '', uid } = job.metadata ?? {}
  const first = await recordAgain(api, name, uid, next)
  const decided = first && decidedAgain(first)
  if (first === undefined || decided === undefined) return []
  return [first, await createAgain(api, first, decided)]
}

/** The further Jobs that a job has by its annotation. */
export async function againJobs(api: Api, job: KubernetesJob): Promise<KubernetesJob[]> {
  const uuid = uuidInName(job.metadata?.name)
  const { number = 0 } = decidedAgain(job) ?? {}
  if (uuid === undefined) return []
  const names = Array.from({ length: number }, (_, index) => againName(uuid, index + 1))
  const found = await Promise.all(names.map((name) => api.jobs.get(name)))
  return found.filter((one) => one !== undefined && firstJobOf(one) === job.metadata?.uid) as KubernetesJob[]
}

/** After a stop no further Job is to make another attempt, though this process may end now. */
export async function limitAgainJobs(api: Api, job: KubernetesJob): Promise<void> {
  for (const { metadata, spec, status } of await againJobs(api, job)) {
    const { name = '', uid, resourceVersion } = metadata ?? {}
    const backoffLimit = Math.min(spec?.backoffLimit ?? 0, status?.failed ?? 0)
    try {
      await api.jobs.merge(name, { metadata: { uid, resourceVersion }, spec: { backoffLimit } })
    } catch (error) {
      // What follows the stop deletes it.
      if (!hasStatus(error, 404, 409)) throw error
    }
  }
}

/**
 * Lets a job's further Jobs go: to be called when the first one is archived or deleted, since
 * another process would make a missing one anew. `remove`: at once, else with the first Job.
 */
export async function releaseAgainJobs(api: Api, job: KubernetesJob, remove: boolean): Promise<void> {
  for (const again of await againJobs(api, job)) {
    const { name = '', uid = '' } = again.metadata ?? {}
    if (remove) await deleteJob(api, again)
    await dropFinalizer(api, name, uid)
  }
}

async function recordAgain(
  api: Api,
  name: string,
  uid: string | undefined,
  next: Again,
): Promise<KubernetesJob | undefined> {
  for (;;) {
    const job = await api.jobs.get(name)
    if (job === undefined || job.metadata?.uid !== uid || job.metadata?.deletionTimestamp) return undefined
    if (stopOf(job) !== undefined || isArchived(job)) return undefined
    if ((decidedAgain(job)?.number ?? 0) >= next.number) return job
    const { resourceVersion } = job.metadata ?? {}
    try {
      const decision = { [annotations.again]: JSON.stringify(next) }
      return await api.jobs.merge(name, { metadata: { uid, resourceVersion, annotations: decision } })
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      if (!hasStatus(error, 409)) throw error
    }
  }
}

async function createAgain(api: Api, first: KubernetesJob, decided: Again): Promise<KubernetesJob> {
  const uuid = uuidInName(first.metadata?.name) ?? ''
  try {
    return await api.jobs.create(againObject(uuid, first, decided))
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
    const there = await api.jobs.get(againName(uuid, decided.number))
    if (there !== undefined && firstJobOf(there) === first.metadata?.uid) return there
    // A deleted job of this uuid left it: the next try makes the new one.
    if (there !== undefined) {
      await deleteJob(api, there)
      await dropFinalizer(api, there.metadata?.name ?? '', there.metadata?.uid ?? '')
    }
    throw error
  }
}
