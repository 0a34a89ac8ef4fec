import type { Rescue } from '../job/observation.ts'
import type { Api } from './api.ts'
import { hasEnded, isTerminal, type SeenPod, uploaderStatus, workerStatus } from './attempt.ts'
import { blockedByStatus } from './blocked.ts'
import { interruptionOf } from './interruption.ts'
import { isArchived, requestOf, stopOf } from './marks.ts'
import { jobName } from './names.ts'
import { type Job, type Pod, timeOf } from './objects.ts'
import type { SeenRescue } from './rescue-cache.ts'
import { gaveUp, rescueObject } from './rescue-spec.ts'
import type { KubernetesSettings } from './settings.ts'
import { StatusError } from './status-error.ts'
import { needsDeletion } from './stop.ts'

/** Not 0: that would take the object away before its processes have ended. */
const graceSeconds = 1

/** What becomes, or can become, of the results that `newest`, the last attempt's pod, left on its claim. */
export function rescueOf(
  job: Job,
  newest: SeenPod | undefined,
  isLast: boolean,
  rescue: SeenRescue | undefined,
): Rescue | undefined {
  if (rescue !== undefined && isUnderWay(rescue)) return { state: 'running', ...message(troubleOf(rescue)) }
  if (rescue?.job !== undefined || rescue?.refused !== undefined) {
    return { state: 'over', ...message(rescue.refused ?? failureOf(rescue)) }
  }
  return newest !== undefined && isLast && leavesClaim(job, newest) ? { state: 'possible' } : undefined
}

/** Whether a rescue is still to be ended that nobody wants any more. */
export function isUnwanted(job: Job, rescue: SeenRescue | undefined): boolean {
  if (rescue === undefined || !isUnderWay(rescue)) return false
  if (stopOf(job) === undefined && job.metadata?.deletionTimestamp === undefined) return false
  const jobLives = rescue.job !== undefined && rescue.job.metadata?.deletionTimestamp === undefined
  return jobLives || rescue.pods.some((pod) => needsDeletion(pod, graceSeconds))
}

/**
 * Makes the Job that rescues the results of an ended pod; one that is there already is that one, or belongs to a deleted
 * job of this uuid and has to go first. Nothing is made for a job that is stopped meanwhile. Rejects with StatusError.
 */
export async function startRescue(
  api: Api,
  settings: KubernetesSettings,
  uuid: string,
  { pod }: SeenPod,
): Promise<void> {
  const job = await api.jobs.get(jobName(uuid))
  if (job === undefined || stopOf(job) || isArchived(job) || job.metadata?.deletionTimestamp) return
  const rescue = rescueObject({
    uuid,
    request: requestOf(job),
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

/** Ends a rescue at once: the Job first, or it would make another pod. */
export async function endRescue(api: Api, { job, pods }: SeenRescue): Promise<void> {
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

function isUnderWay({ job, pods }: SeenRescue): boolean {
  return pods.some((pod) => !isTerminal(pod)) || (job !== undefined && endCondition(job) === undefined)
}

function leavesClaim(job: Job, newest: SeenPod): boolean {
  const { pod, goneAt } = newest
  if (requestOf(job).result_storage_class === undefined || isArchived(job)) return false
  if (stopOf(job) !== undefined || job.metadata?.deletionTimestamp !== undefined) return false
  // With its pod the claim goes; who interrupted it wanted its end.
  if (goneAt !== undefined || pod.metadata?.deletionTimestamp !== undefined) return false
  if (interruptionOf(newest, job) !== undefined || !hasEnded(newest)) return false
  // Of a container that never started, the kubelet writes null.
  if (timeOf(workerStatus(pod)?.state?.terminated?.startedAt) === undefined) return false
  const { state, lastState } = uploaderStatus(pod) ?? {}
  return (state?.terminated ?? lastState?.terminated)?.exitCode !== gaveUp
}

function endCondition(job: Job) {
  return job.status?.conditions?.find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  )
}

function troubleOf({ pods }: SeenRescue): string | undefined {
  const living = pods.find((pod) => !isTerminal(pod))
  return living && blockedByStatus(living)?.message
}

/** The uploader's own words where it left any, else the Job controller's. */
function failureOf({ job, pods }: SeenRescue): string | undefined {
  const words = pods.map(lastWords).find((one) => one !== undefined)
  return words ?? (job && endCondition(job)?.message)
}

function lastWords(pod: Pod): string | undefined {
  const text = uploaderStatus(pod)?.state?.terminated?.message ?? ''
  try {
    const { reason, message: words } = JSON.parse(text) as { reason?: unknown; message?: unknown }
    return typeof reason === 'string' ? `${reason}: ${words}` : undefined
  } catch {
    return undefined
  }
}

function message(text: string | undefined): { message?: string } {
  return text === undefined || text === '' ? {} : { message: text }
}
