import { randomBytes } from 'node:crypto'
import { invalid, invalidFields, Problem } from '../errors.ts'
import type { JobPlan } from '../job/backend.ts'
import type { JobRequest } from '../job/request.ts'
import type { Api, Resource } from './api.ts'
import { environmentKinds } from './environments.ts'
import { fieldErrorsOf, ownItemsOf } from './field-map.ts'
import { isCreating, requestSha256Of } from './marks.ts'
import { checkMounts } from './mounts.ts'
import { annotations, jobLabels, jobName, secretKeys } from './names.ts'
import type { ConfigMap, Job, KubernetesObject, Secret } from './objects.ts'
import { jobObject } from './pod-spec.ts'
import { removeUnfinished } from './removal.ts'
import type { KubernetesSettings } from './settings.ts'
import { hasStatus, problemOf, StatusError } from './status-error.ts'

/** As JobBackend.create answers, with the Job as the API server has it then. */
export interface Creation {
  created: boolean
  job: Job
}

/**
 * Makes a job so that a crash at any point leaves nothing that runs and nothing that stays: the Job suspended,
 * then what belongs to it, then its resumption. Rejects with Problem.
 */
export async function createJob(api: Api, settings: KubernetesSettings, plan: JobPlan): Promise<Creation> {
  checkMounts(plan.request)
  try {
    const made = await createOrRead(api, settings, plan)
    const { created, job } = made
    if (requestSha256Of(job) === plan.requestSha256 && isCreating(job)) {
      return { created, job: await complete(api, settings, plan, job, created) }
    }
    return made
  } catch (error) {
    throw refusalOf(error, plan.request)
  }
}

async function createOrRead(api: Api, settings: KubernetesSettings, plan: JobPlan): Promise<Creation> {
  const kinds = await environmentKinds(api, plan.request.config_map_ref)
  const stopToken = randomBytes(16).toString('hex')
  const object = jobObject({ plan, settings, stopToken, environmentKinds: kinds, now: new Date() })
  try {
    return { created: true, job: await api.jobs.create(object) }
  } catch (error) {
    if (!isAlreadyThere(error)) throw error
  }
  const job = await api.jobs.get(jobName(plan.uuid))
  // Gone between the two calls: the caller's next try makes it.
  if (job === undefined || job.metadata?.deletionTimestamp !== undefined) throw beingDeleted()
  return { created: false, job }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof StatusError && error.reason === 'AlreadyExists'
}

function beingDeleted(): Problem {
  return new Problem('deletion-under-way', 'The job of this uuid is being deleted.', { retryAfterSeconds: 5 })
}

async function complete(
  api: Api,
  settings: KubernetesSettings,
  plan: JobPlan,
  job: Job,
  isOurs: boolean,
): Promise<Job> {
  try {
    await ensure(api.secrets, secretOf(job, settings, plan))
    if (Object.keys(plan.request.job_env).length > 0) {
      await ensure(api.configMaps, configMapOf(job, settings, plan))
    }
  } catch (error) {
    // A refusal is final, so nothing may be left. After a lost connection the creating mark sees to it.
    if (!isOurs || !isRefusal(error)) throw error
    const removed = await removeUnfinished(api, job).catch(() => false)
    throw removed ? error : problemOf(error)
  }
  return await resume(api, job)
}

/**
 * Creates what belongs to a Job. One that is there already is another replica's, which completes the same
 * creation, or it belongs to a deleted job of this uuid and is about to be collected: that one must go first.
 */
async function ensure<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<void> {
  const name = object.metadata?.name ?? ''
  for (let number = 1; ; number += 1) {
    try {
      await resource.create(object)
      return
    } catch (error) {
      if (!isAlreadyThere(error) || number === 5) throw error
    }
    const [there] = await resource.listMetadata({ fieldSelector: `metadata.name=${name}` })
    if (ownerOf(there) !== undefined && ownerOf(there) === ownerOf(object)) return
    const uid = there?.metadata?.uid
    if (uid !== undefined) await resource.remove(name, { preconditions: { uid } })
  }
}

function ownerOf(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata?.ownerReferences?.[0]?.uid
}

async function resume(api: Api, job: Job): Promise<Job> {
  const name = job.metadata?.name ?? ''
  const mark = `/metadata/annotations/${annotations.creating.replaceAll('/', '~1')}`
  try {
    return await api.jobs.patch(name, [
      { op: 'test', path: '/metadata/uid', value: job.metadata?.uid },
      // Whoever finds the mark gone must not resume: somebody may have suspended the Job since.
      { op: 'remove', path: mark },
      { op: 'replace', path: '/spec/suspend', value: false },
    ])
  } catch (error) {
    if (!hasStatus(error, 404, 422)) throw error
    const now = await api.jobs.get(name)
    if (now === undefined || now.metadata?.uid !== job.metadata?.uid) throw beingDeleted()
    if (isCreating(now)) throw error
    return now
  }
}

function secretOf(job: Job, settings: KubernetesSettings, plan: JobPlan): Secret {
  const { accessKey, secretKey } = settings.uploaderCredentials
  const variables = Object.entries(plan.request.env).map(([name, value]) => [secretKeys.env(name), value])
  return {
    metadata: ownedMetadata(job, settings, plan),
    stringData: {
      ...Object.fromEntries(variables),
      [secretKeys.accessKey]: accessKey,
      [secretKeys.secretKey]: secretKey,
    },
  }
}

function configMapOf(job: Job, settings: KubernetesSettings, plan: JobPlan): ConfigMap {
  return { metadata: ownedMetadata(job, settings, plan), data: { ...plan.request.job_env } }
}

function ownedMetadata(job: Job, settings: KubernetesSettings, plan: JobPlan) {
  const name = jobName(plan.uuid)
  return {
    name,
    namespace: settings.namespace,
    labels: jobLabels(plan.uuid),
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: job.metadata?.uid ?? '' }],
  }
}

/** A refusal of what the request says is the caller's to mend; everything else may pass with time. */
function refusalOf(error: unknown, request: JobRequest): Problem {
  if (!(error instanceof StatusError)) return problemOf(error)
  if (error.status === 422 && error.causes.length > 0) {
    const problem = invalidFields(fieldErrorsOf(error.causes, ownItemsOf(request)))
    return new Problem(problem.code, problem.message, { errors: problem.errors, cause: error })
  }
  if (hasStatus(error, 400, 413, 422)) {
    return invalid('request', `Kubernetes refuses it: ${error.message}`, 'what Kubernetes accepts')
  }
  return isRefusal(error) ? refusedProblem(error) : problemOf(error)
}

/** An answer that says that nothing was made; of a 5xx nobody knows. */
function isRefusal(error: unknown): error is StatusError {
  return error instanceof StatusError && error.status < 500
}

/** An exceeded quota, an admission's refusal, a namespace that goes: what time or somebody else can change. */
function refusedProblem(error: StatusError): Problem {
  const retry = error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }
  return new Problem('refused', `Kubernetes refuses the job: ${error.message}`, { ...retry, cause: error })
}
