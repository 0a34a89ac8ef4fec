import { reasons } from '../job/job.ts'
import type { Stop } from '../job/observation.ts'
import type { JobRequest } from '../job/request.ts'
import { annotations, finalizer } from './names.ts'
import type { Job } from './objects.ts'
import { parseObject, storedRequest } from './stored-request.ts'

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

export function isArchived(job: Job): boolean {
  return markOf(job, 'archived') !== undefined
}

export function requestSha256Of(job: Job): string {
  return markOf(job, 'requestSha256') ?? ''
}

export function stopOf(job: Job): Stop | undefined {
  const { outcome, cause, at } = parseObject(markOf(job, 'stop'))
  const { reason, message } = parseObject(JSON.stringify(cause))
  if (outcome !== 'canceled' && outcome !== 'failed' && outcome !== 'deleted') return undefined
  const known = reasons.find((one) => one === reason) ?? 'Error'
  return {
    outcome,
    cause: { reason: known, message: String(message) },
    at: Number.isFinite(at) ? Number(at) : 0,
  }
}

export function requestOf(job: Job): JobRequest {
  return storedRequest(markOf(job, 'request'))
}

function markOf(job: Job, mark: keyof typeof annotations): string | undefined {
  return job.metadata?.annotations?.[annotations[mark]]
}
