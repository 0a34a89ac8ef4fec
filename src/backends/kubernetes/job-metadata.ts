import type { Cause } from '../../job/job.ts'
import { isJobUuid } from '../../job/job-uuid.ts'
import { isReason } from '../../job/reason-meanings.ts'
import type { JobRequest } from '../../job/request/request.ts'
import type { AttemptsByJob, Disruption, Stop, Waiting } from '../../job/state/observation.ts'
import type { Restart } from '../../job/steps/restart.ts'
import { defined, isObject, parseJsonObject } from '../../util/objects.ts'
import { type KubernetesJob, type KubernetesObject, timeOf } from './api/objects.ts'
import { annotations, finalizer, managedBy } from './names.ts'
import { storedRequest } from './spec/stored-request.ts'

// Reads a Job's own annotations and its finalizer. Every client of the cluster may edit them: an
// unreadable annotation counts as absent.

/** The latest time of a Date, in milliseconds (ECMA-262, "Time Values"). */
const latestTime = 8.64e15

/**
 * The Job's creation is not complete. A Job that was resumed is complete, whatever its annotation
 * says.
 */
export function isCreating(job: KubernetesJob): boolean {
  return annotationOf(job, 'creating') !== undefined && job.spec?.suspend === true
}

/**
 * What a Job that is whole waits for. One that a client resumed waits for nothing, whatever its
 * annotation says.
 */
export function waitingOf(job: KubernetesJob): Waiting | undefined {
  const text = annotationOf(job, 'waiting')
  if (text === undefined || job.spec?.suspend !== true || isCreating(job)) return undefined
  const { jobs, results, attempts } = objectIn(text)
  return { jobs: uuidsIn(jobs), results: uuidsIn(results), ...defined({ attempts: attemptsIn(attempts) }) }
}

/** When it had waited; milliseconds since the epoch. */
export function begunAtOf(job: KubernetesJob): number | undefined {
  return timeOf(annotationOf(job, 'begun'))
}

/** A Job of another program may have our labels, and a name like ours. */
export function isOurs(job: KubernetesJob): boolean {
  const own = ['request', 'requestSha256', 'creating', 'archived'] as const
  return hasFinalizer(job) || own.some((name) => annotationOf(job, name) !== undefined)
}

/** The label by which our watches select Jobs and pods; other clients may take it away. */
export function hasOurLabel({ metadata }: KubernetesObject): boolean {
  return metadata?.labels?.[managedBy.label] === managedBy.value
}

export function hasFinalizer(job: KubernetesJob): boolean {
  return job.metadata?.finalizers?.includes(finalizer) === true
}

/**
 * The finalizer keeps a Job until it is archived: it cannot be gone unless it was shown as being
 * deleted.
 */
export function mustStillBeThere(job: KubernetesJob | undefined): job is KubernetesJob {
  return job !== undefined && hasFinalizer(job) && job.metadata?.deletionTimestamp === undefined
}

export function isArchived(job: KubernetesJob): boolean {
  return annotationOf(job, 'archived') !== undefined
}

/** Milliseconds since the epoch. */
export function archivedAt(job: KubernetesJob): number | undefined {
  return timeOf(annotationOf(job, 'archived'))
}

export function recordedDisruptions(job: KubernetesJob): readonly Disruption[] {
  const text = annotationOf(job, 'disruptions')
  if (text === undefined) return []
  const { list } = objectIn(`{"list": ${text}}`)
  if (!Array.isArray(list)) return []
  return list.flatMap((one: unknown) => {
    const { attempt, number, started, counted, at, ...cause } = objectIn(JSON.stringify(one))
    if (typeof attempt !== 'string' || !Number.isSafeInteger(number)) return []
    return {
      ...{ attempt, number: Number(number), started: started === true, at: timeOr0(at) },
      ...causeOf(cause),
      ...(counted === true && { counted }),
    }
  })
}

export function madeByOf(job: KubernetesJob): string | undefined {
  return annotationOf(job, 'madeBy')
}

export function rerunOf(job: KubernetesJob): string | undefined {
  const uuid = annotationOf(job, 'rerunOf')
  return uuid !== undefined && isJobUuid(uuid) ? uuid : undefined
}

export function restartedBy(job: KubernetesJob): Restart | undefined {
  const { uuid, attempt, from } = objectIn(annotationOf(job, 'restart'))
  if (typeof uuid !== 'string' || typeof attempt !== 'string' || !isJobUuid(uuid)) return undefined
  return { uuid, attempt, ...(typeof from === 'string' && { from }) }
}

/** Null without inputs; undefined of versions that did not keep it. */
export function inputsSha256Of(job: KubernetesJob): string | null | undefined {
  const digest = annotationOf(job, 'inputsSha256')
  return digest === '' ? null : digest
}

/** The decision to give a job another Job. */
export interface Again {
  /** From 1 on: the Job's name ends in it. */
  number: number
  /** How many failures of its own the other Job forgives. */
  retries: number
}

/** The last decision. */
export function decidedAgain(job: KubernetesJob): Again | undefined {
  const { number, retries } = objectIn(annotationOf(job, 'again'))
  if (!isCount(number) || !isCount(retries) || number === 0) return undefined
  return { number, retries }
}

/** The UID of the job's first Job, of a further one. */
export function firstJobOf(job: KubernetesJob): string | undefined {
  return annotationOf(job, 'firstJob')
}

export function requestSha256Of(job: KubernetesJob): string {
  return annotationOf(job, 'requestSha256') ?? ''
}

export function stopOf(job: KubernetesJob): Stop | undefined {
  const { outcome, cause, at, attempt } = objectIn(annotationOf(job, 'stop'))
  if (outcome !== 'canceled' && outcome !== 'failed' && outcome !== 'deleted') return undefined
  return {
    outcome,
    cause: causeOf(cause),
    at: timeOr0(at),
    ...(typeof attempt === 'string' && { attempt }),
  }
}

export function requestOfJob(job: KubernetesJob): JobRequest {
  return storedRequest(annotationOf(job, 'request'))
}

/**
 * Its request has `heartbeat_seconds` or `hold_after_failure_seconds`. Without parsing: a job that only
 * says so costs more reads.
 */
export function mayAwaitWord(job: KubernetesJob): boolean {
  const request = annotationOf(job, 'request') ?? ''
  return ['"heartbeat_seconds"', '"hold_after_failure_seconds"'].some((field) => request.includes(field))
}

function annotationOf(job: KubernetesJob, name: keyof typeof annotations): string | undefined {
  return job.metadata?.annotations?.[annotations[name]]
}

function causeOf(found: unknown): Cause {
  const { reason, message } = objectIn(JSON.stringify(found))
  return {
    reason: isReason(reason) ? reason : 'Error',
    message: typeof message === 'string' ? message : 'not told',
  }
}

function uuidsIn(found: unknown): string[] {
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string' && isJobUuid(one)) : []
}

function attemptsIn(found: unknown): AttemptsByJob | undefined {
  if (!isObject(found)) return undefined
  const isAttempt = (entry: [string, unknown]): entry is [string, string | null] =>
    isJobUuid(entry[0]) && (entry[1] === null || typeof entry[1] === 'string')
  return Object.fromEntries(Object.entries(found).filter(isAttempt))
}

function isCount(found: unknown): found is number {
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0
}

function timeOr0(found: unknown): number {
  return typeof found === 'number' && Math.abs(found) <= latestTime ? found : 0
}

/** A JSON object; empty if the text is none. */
function objectIn(text: string | undefined): Record<string, unknown> {
  return parseJsonObject(text) ?? {}
}
