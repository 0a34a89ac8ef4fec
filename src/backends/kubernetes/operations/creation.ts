import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobPlan } from '../../../job/backend.ts'
import { jobKeys } from '../../../result-format/job-keys.ts'
import { backoff } from '../../../util/backoff.ts'
import { invalid, invalidFields, messageOf, Problem } from '../../../util/errors.ts'
import { defined } from '../../../util/objects.ts'
import type { Api, Resource } from '../api/api.ts'
import type { ConfigMap, KubernetesJob, KubernetesObject, Secret } from '../api/objects.ts'
import { hasStatus, problemOf, rejectProblem, StatusError } from '../api/status-error.ts'
import { isCreating, requestSha256Of } from '../job-metadata.ts'
import { annotations, jobLabels, jobName, secretKeys } from '../names.ts'
import type { KubernetesSettings } from '../settings.ts'
import { fieldErrorsOf, type OwnItems, ownItemsOf } from '../spec/field-map.ts'
import { checkMounts } from '../spec/mounts.ts'
import { jobObject } from '../spec/pod-spec.ts'
import { environmentKinds } from './environments.ts'
import { removeUnfinished } from './removal.ts'

/** As JobBackend.create answers, with the API server's Job. */
export interface Creation {
  created: boolean
  job: KubernetesJob
}

/**
 * Makes a job in an order in which a crash at any point leaves nothing that runs or stays: the
 * suspended Job, then its Secret and ConfigMap, then its resumption, which a waiting job has later
 * (awaitJobs). Rejects with Problem.
 */
export async function createJob(api: Api, settings: KubernetesSettings, plan: JobPlan): Promise<Creation> {
  checkMounts(plan.request)
  try {
    const made = await createOrRead(api, settings, plan)
    const { created, job } = made
    const stored = requestSha256Of(job)
    const isSame = stored === plan.requestSha256 || stored === plan.earlierSha256
    if (isSame && isCreating(job)) {
      return { created, job: await complete(api, settings, plan, job, created) }
    }
    return made
  } catch (error) {
    throw refusalOf(error, settings, plan)
  }
}

/** As JobBackend.preview(). */
export async function previewJob(
  api: Api,
  settings: KubernetesSettings,
  plan: JobPlan,
): Promise<KubernetesJob> {
  checkMounts(plan.request)
  const environmentKinds = await kindsOf(api, plan)
  return jobObject({ plan, settings, preStopToken: '<token>', environmentKinds, now: new Date() })
}

async function kindsOf(api: Api, { request }: JobPlan) {
  return await environmentKinds(api, request.config_map_ref).catch((error: unknown) => {
    throw problemOf(error)
  })
}

async function createOrRead(api: Api, settings: KubernetesSettings, plan: JobPlan): Promise<Creation> {
  const kinds = await environmentKinds(api, plan.request.config_map_ref)
  const preStopToken = randomBytes(16).toString('hex')
  const object = jobObject({ plan, settings, preStopToken, environmentKinds: kinds, now: new Date() })
  try {
    return { created: true, job: await api.jobs.create(object) }
  } catch (error) {
    if (!isRefusal(error)) throw error
    // Admission comes before the name: the job itself may fill the quota that refuses its replay.
    const job = await api.jobs.get(jobName(plan.uuid)).catch(rejectProblem)
    if (job === undefined && !isAlreadyThere(error)) throw error
    // Gone between the two calls: the caller's next try makes it.
    if (job === undefined || job.metadata?.deletionTimestamp !== undefined) throw beingDeleted()
    return { created: false, job }
  }
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
  job: KubernetesJob,
  isOurs: boolean,
): Promise<KubernetesJob> {
  try {
    await ensure(api.secrets, secretOf(job, settings, plan, await credentialsOf(settings, plan)))
    if (Object.keys(plan.request.job_env).length > 0) {
      await ensure(api.configMaps, configMapOf(job, settings, plan))
    }
  } catch (error) {
    // A refusal is final, so nothing may stay. After a lost connection, the annotation `creating`
    // leads to the removal; and another's job may be whole meanwhile.
    if (!isRefusal(error)) throw error
    if (!isOurs) throw problemOf(error)
    const removed = await removeUnfinished(api, job).catch(() => false)
    throw removed ? error : problemOf(error)
  }
  return await finishCreation(api, job)
}

/** The tries of ensure() take 3.5 s together: a garbage collector needs a moment. */
const maxTries = 8
const collectionDelay = backoff({ first: 50, max: 1000 })

/**
 * Creates an object that belongs to a Job. An existing one was made by another replica that
 * completes the same creation, or belongs to a deleted job of this uuid and is about to be
 * collected: that one must go first. Rejects with beingDeleted() if it doesn't go.
 */
async function ensure<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<void> {
  const name = object.metadata?.name ?? ''
  for (let number = 1; ; number += 1) {
    try {
      await resource.create(object)
      return
    } catch (error) {
      if (!isRefusal(error)) throw error
      const [there] = await resource.listMetadata({ fieldSelector: `metadata.name=${name}` })
      if (ownerOf(there) !== undefined && ownerOf(there) === ownerOf(object)) return
      if (!isAlreadyThere(error)) throw error
      if (number === maxTries) throw beingDeleted()
      const uid = there?.metadata?.uid
      if (uid !== undefined) await resource.remove(name, { preconditions: { uid } })
    }
    await sleep(collectionDelay(number))
  }
}

function ownerOf(object: KubernetesObject | undefined): string | undefined {
  return object?.metadata?.ownerReferences?.[0]?.uid
}

/** Resumes the Job, unless it is to wait for others. */
async function finishCreation(api: Api, job: KubernetesJob): Promise<KubernetesJob> {
  const name = job.metadata?.name ?? ''
  const annotation = `/metadata/annotations/${annotations.creating.replaceAll('/', '~1')}`
  const waits = job.metadata?.annotations?.[annotations.waiting] !== undefined
  try {
    return await api.jobs.patch(name, [
      { op: 'test', path: '/metadata/uid', value: job.metadata?.uid },
      // A second resumption must fail: a client may have suspended the Job since the first one.
      { op: 'remove', path: annotation },
      { op: 'replace', path: '/spec/suspend', value: waits },
    ])
  } catch (error) {
    if (!hasStatus(error, 404, 422)) throw error
    const now = await api.jobs.get(name)
    if (now === undefined || now.metadata?.uid !== job.metadata?.uid) throw beingDeleted()
    if (isCreating(now)) throw error
    return now
  }
}

/** The uploader's credentials. A job that is made without them is completed or removed later. */
async function credentialsOf(
  { store }: KubernetesSettings,
  { uuid, readable }: JobPlan,
): Promise<Record<string, string>> {
  try {
    return (await store.folderCredentials?.issue(jobKeys.job(uuid), readable)) ?? store.credentialFiles
  } catch (cause) {
    const detail = `The store makes no key for the job now: ${messageOf(cause)}`
    throw new Problem('unavailable', detail, { cause, retryAfterSeconds: 5 })
  }
}

function secretOf(
  job: KubernetesJob,
  settings: KubernetesSettings,
  plan: JobPlan,
  credentials: Record<string, string>,
): Secret {
  const { env, steps = [] } = plan.request
  const variables = [
    ...Object.entries(env).map(([name, value]) => [secretKeys.env(name), value]),
    ...steps.flatMap(({ env = {} }, index) =>
      Object.entries(env).map(([name, value]) => [secretKeys.stepEnv(index, name), value]),
    ),
  ]
  return {
    metadata: ownedMetadata(job, settings, plan),
    stringData: {
      ...Object.fromEntries(variables),
      ...credentials,
      [secretKeys.endKey]: randomBytes(32).toString('hex'),
    },
  }
}

function configMapOf(job: KubernetesJob, settings: KubernetesSettings, plan: JobPlan): ConfigMap {
  return { metadata: ownedMetadata(job, settings, plan), data: { ...plan.request.job_env } }
}

function ownedMetadata(job: KubernetesJob, settings: KubernetesSettings, plan: JobPlan) {
  const name = jobName(plan.uuid)
  return {
    name,
    namespace: settings.namespace,
    labels: jobLabels(plan.uuid),
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: job.metadata?.uid ?? '' }],
  }
}

/**
 * The caller can correct a request that is refused for its content; every other failure may pass
 * with time.
 */
function refusalOf(error: unknown, settings: KubernetesSettings, plan: JobPlan): Problem {
  if (!(error instanceof StatusError)) return problemOf(error)
  if (error.status === 422 && error.causes.length > 0) {
    const problem = invalidFields(fieldErrorsOf(error.causes, ownItems(settings, plan)))
    return new Problem(problem.code, problem.message, { errors: problem.errors, cause: error })
  }
  if (hasStatus(error, 400, 413, 422)) {
    return invalid('request', `Kubernetes refuses it: ${error.message}`, 'a value that Kubernetes accepts')
  }
  return isRefusal(error) ? refusedProblem(error) : problemOf(error)
}

/** Made anew for its positions alone: no token, and no environment's kind, moves an item. */
function ownItems(settings: KubernetesSettings, plan: JobPlan): OwnItems {
  const { spec } = jobObject({ plan, settings, preStopToken: '', environmentKinds: [], now: new Date() })
  return ownItemsOf(plan.request, spec?.template.spec)
}

/** An answer that says that no object was made; a 5xx does not say. */
function isRefusal(error: unknown): error is StatusError {
  return error instanceof StatusError && error.status < 500
}

/**
 * An exceeded quota, an admission's refusal, a namespace that is being deleted: time or another
 * client may change it.
 */
function refusedProblem(error: StatusError): Problem {
  const retry = defined({ retryAfterSeconds: error.retryAfterSeconds })
  return new Problem('refused', `Kubernetes refuses the job: ${error.message}`, { ...retry, cause: error })
}
