import type { Stop } from '../job/observation.ts'
import type { JobRequest } from '../job/request.ts'
import { annotations } from './names.ts'
import type { Job } from './objects.ts'

/** What stands in a Job's annotations; what can't be read counts as absent. */

export function isCreating(job: Job): boolean {
  return markOf(job, 'creating') !== undefined
}

export function isArchived(job: Job): boolean {
  return markOf(job, 'archived') !== undefined
}

export function requestSha256Of(job: Job): string {
  return markOf(job, 'requestSha256') ?? ''
}

export function stopOf(job: Job): Stop | undefined {
  return parse<Stop>(markOf(job, 'stop'))
}

export function requestOf(job: Job): JobRequest | undefined {
  return parse<JobRequest>(markOf(job, 'request'))
}

function markOf(job: Job, mark: keyof typeof annotations): string | undefined {
  return job.metadata?.annotations?.[annotations[mark]]
}

function parse<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}
