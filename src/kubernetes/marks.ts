import { type Cause, reasons } from '../job/job.ts'
import type { Disruption, Stop } from '../job/observation.ts'
import type { JobRequest } from '../job/request.ts'
import { annotations, finalizer } from './names.ts'
import { type Job, timeOf } from './objects.ts'
import { parseObject, storedRequest } from './stored-request.ts'

/** A Date holds no more (ECMA-262, "Time Values"). */
const latestTime = 8.64e15

/** What stands in a Job's annotations, which anybody may edit; what can't be read counts as absent. */

/** Its creation isn't complete; a Job that was resumed is, whatever stands there. */
export function isCreating(job: Job): boolean {
  return markOf(job, 'creating') !== undefined && job.spec?.suspend === true
}

/** Somebody else's Job may have our labels, and a name as ours. */
export function isOurs(job: Job): boolean {
  const marks = ['request', 'requestSha256', 'creating', 'archived'] as const
  return hasFinalizer(job) || marks.some((mark) => markOf(job, mark) !== undefined)
}

export function hasFinalizer(job: Job): boolean {
  return job.metadata?.finalizers?.includes(finalizer) === true
}

/** Its finalizer holds a Job until it is archived, and shows it as being deleted before. */
export function mustStillBeThere(job: Job | undefined): job is Job {
  return job !== undefined && hasFinalizer(job) && job.metadata?.deletionTimestamp === undefined
}

export function isArchived(job: Job): boolean {
  return markOf(job, 'archived') !== undefined
}

/** Milliseconds since the epoch. */
export function archivedAt(job: Job): number | undefined {
  return timeOf(markOf(job, 'archived'))
}

export function recordedDisruptions(job: Job): readonly Disruption[] {
  const { list } = parseObject(`{"list": ${markOf(job, 'disruptions') ?? '[]'}}`)
  if (!Array.isArray(list)) return []
  return list.flatMap((one: unknown) => {
    const { attempt, number, started, at, ...cause } = parseObject(JSON.stringify(one))
    if (typeof attempt !== 'string' || !Number.isSafeInteger(number)) return []
    return { attempt, number: Number(number), started: started === true, at: timeOr0(at), ...causeOf(cause) }
  })
}

export function requestSha256Of(job: Job): string {
  return markOf(job, 'requestSha256') ?? ''
}

export function stopOf(job: Job): Stop | undefined {
  const { outcome, cause, at, attempt } = parseObject(markOf(job, 'stop'))
  if (outcome !== 'canceled' && outcome !== 'failed' && outcome !== 'deleted') return undefined
  return {
    outcome,
    cause: causeOf(cause),
    at: timeOr0(at),
    ...(typeof attempt === 'string' && { attempt }),
  }
}

export function requestOf(job: Job): JobRequest {
  return storedRequest(markOf(job, 'request'))
}

function markOf(job: Job, mark: keyof typeof annotations): string | undefined {
  return job.metadata?.annotations?.[annotations[mark]]
}

function causeOf(found: unknown): Cause {
  const { reason, message } = parseObject(JSON.stringify(found))
  return {
    reason: reasons.find((one) => one === reason) ?? 'Error',
    message: typeof message === 'string' ? message : 'not told',
  }
}

function timeOr0(found: unknown): number {
  return typeof found === 'number' && Math.abs(found) <= latestTime ? found : 0
}
