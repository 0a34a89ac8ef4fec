import type { Rescue } from '../../../job/state/observation.ts'
import { parseJsonObject } from '../../../util/objects.ts'
import type { Api } from '../api/api.ts'
import { type KubernetesJob, type Pod, timeOf } from '../api/objects.ts'
import { StatusError } from '../api/status-error.ts'
import type { CachedRescue } from '../cache/rescue-cache.ts'
import { isArchived, requestOfJob, stopOf } from '../job-metadata.ts'
import { jobName } from '../names.ts'
import { blockedByStatus } from '../observation/blocked.ts'
import { interruptionOf } from '../observation/interruption.ts'
import { type CachedPod, hasEnded, isTerminal, uploaderStatus } from '../observation/pod-state.ts'
import { workerStatus } from '../observation/pod-steps.ts'
import type { KubernetesSettings } from '../settings.ts'
import { gaveUp, rescueObject } from '../spec/rescue-spec.ts'
import { needsDeletion } from './stop.ts'

/** Not 0: then the API server would remove the pod before its processes have ended. */
const graceSeconds = 1

/** The rescue of the results that `newest`, the last attempt's pod, left on its claim. */
export function rescueOf(
  job: KubernetesJob,
  newest: CachedPod | undefined,
  isLast: boolean,
  rescue: CachedRescue | undefined,
): Rescue | undefined {
  if (rescue !== undefined && isUnderWay(rescue)) return { state: 'running', ...message(troubleOf(rescue)) }
  if (rescue?.job !== undefined || rescue?.refused !== undefined) {
    return { state: 'over', ...message(rescue.refused ?? failureOf(rescue)) }
  }
  return newest !== undefined && isLast && leavesClaim(job, newest) ? { state: 'possible' } : undefined
}

/** Whether a rescue still runs though its job is stopped or deleted. */
export function isUnwanted(job: KubernetesJob, rescue: CachedRescue | undefined): boolean {
  if (rescue === undefined || !isUnderWay(rescue)) return false
  if (stopOf(job) === undefined && job.metadata?.deletionTimestamp === undefined) return false
  const jobLives = rescue.job !== undefined && rescue.job.metadata?.deletionTimestamp === undefined
  return jobLives || rescue.pods.some((pod) => needsDeletion(pod, graceSeconds))
}

/**
 * Makes the Job that rescues the results of an ended pod, unless the job was stopped meanwhile. An
 * existing Job of its name is that rescue, or belongs to a deleted job of this uuid and has to go
 * first. Rejects with StatusError.
 */
export async function startRescue(
  api: Api,
  settings: KubernetesSettings,
  uuid: string,
  { pod }: CachedPod,
): Promise<void> {
  const job = await api.jobs.get(jobName(uuid))
  if (job === undefined || stopOf(job) || isArchived(job) || job.metadata?.deletionTimestamp) return
  const rescue = rescueObject({
    uuid,
    request: requestOfJob(job),
    settings,
    job: job.metadata ?? {},
    pod: pod.metadata ?? {},
  })
  try {
    await api.jobs.create(rescue)
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
    const { name = '' } = rescue.metadata ?? {}
    const there = (await api.jobs.get(name))?.metadata
    if (there?.ownerReferences?.[0]?.uid === job.metadata?.uid) return
    const preconditions = there?.uid === undefined ? {} : { uid: there.uid }
    await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions })
  }
}

/** Ends a rescue at once: first its Job, which would make another pod otherwise. */
export async function endRescue(api: Api, { job, pods }: CachedRescue): Promise<void> {
  if (job?.metadata?.deletionTimestamp === undefined && job !== undefined) {
    const { name = '', uid = '' } = job.metadata ?? {}
    await api.jobs.remove(name, { propagationPolicy: 'Background', preconditions: { uid } })
  }
  const living = pods.filter((pod) => needsDeletion(pod, graceSeconds))
  await Promise.all(
    living.map(({ metadata: { name = '', uid = '' } = {} }) =>
      api.pods.remove(name, { gracePeriodSeconds: graceSeconds, preconditions: { uid } }),
    ),
  )
}

function isUnderWay({ job, pods }: CachedRescue): boolean {
  return pods.some((pod) => !isTerminal(pod)) || (job !== undefined && endCondition(job) === undefined)
}

function leavesClaim(job: KubernetesJob, newest: CachedPod): boolean {
  const { pod, goneAt } = newest
  if (requestOfJob(job).result_storage_class === undefined || isArchived(job)) return false
  if (stopOf(job) !== undefined || job.metadata?.deletionTimestamp !== undefined) return false
  // The claim goes with its pod, and an interruption means that the results are not wanted.
  if (goneAt !== undefined || pod.metadata?.deletionTimestamp !== undefined) return false
  if (interruptionOf(newest, job) !== undefined || !hasEnded(newest)) return false
  // Of a container that never started, the kubelet writes null.
  if (timeOf(workerStatus(pod)?.state?.terminated?.startedAt) === undefined) return false
  const { state, lastState } = uploaderStatus(pod) ?? {}
  return (state?.terminated ?? lastState?.terminated)?.exitCode !== gaveUp
}

function endCondition(job: KubernetesJob) {
  return job.status?.conditions?.find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  )
}

function troubleOf({ pods }: CachedRescue): string | undefined {
  const living = pods.find((pod) => !isTerminal(pod))
  return living && blockedByStatus(living)?.message
}

/** The message of the uploader if it left one, else that of the Job controller. */
function failureOf({ job, pods }: CachedRescue): string | undefined {
  const words = pods.map(lastWords).find((one) => one !== undefined)
  return words ?? (job && endCondition(job)?.message)
}

function lastWords(pod: Pod): string | undefined {
  const { reason, message: words } = parseJsonObject(uploaderStatus(pod)?.state?.terminated?.message) ?? {}
  return typeof reason === 'string' ? `${reason}: ${words}` : undefined
}

function message(text: string | undefined): { message?: string } {
  return text === undefined || text === '' ? {} : { message: text }
}
