import { hasEnded, uploaderStatus, workerStatus } from './attempt.ts'
import { blockedByStatus } from './blocked.ts'
import { newestOf } from './disruptions.ts'
import { isArchived, isCreating, stopOf } from './marks.ts'
import { type Pod, timeOf } from './objects.ts'
import { endOf } from './observe.ts'
import type { SeenJob } from './seen-job.ts'

/** Waiting up to that long is nothing to ask about. */
const patienceMilliseconds = 5_000
const againMilliseconds = { events: 30_000, log: 10_000 }
/** A job that has just begun to be stored is likely to be looked at. */
const soonMilliseconds = { again: 5_000, within: 60_000 }

/** What is worth asking about a job that doesn't get on, and since when it doesn't. */
export type Question = EventsQuestion | { ask: 'log'; pod: Pod; since: number }

export interface EventsQuestion {
  ask: 'events'
  /** The object's UID. */
  of: string
  pod?: Pod
  since: number
}

export function questionOf({ job, pods }: SeenJob): Question | undefined {
  const isOver = stopOf(job) !== undefined || job.metadata?.deletionTimestamp !== undefined || isArchived(job)
  if (isOver || isCreating(job) || job.spec?.suspend === true) return undefined
  const newest = newestOf(pods)
  if (newest === undefined || hasEnded(newest)) {
    if (endOf(job, pods) !== undefined) return undefined
    return { ask: 'events', of: job.metadata?.uid ?? '', since: timeOf(job.metadata?.creationTimestamp) ?? 0 }
  }
  const { pod } = newest
  const uploader = uploaderStatus(pod)?.state?.running
  const worker = workerStatus(pod)?.state
  if (worker?.terminated !== undefined) {
    const since = timeOf(worker.terminated.finishedAt) ?? 0
    return uploader === undefined ? undefined : { ask: 'log', pod, since }
  }
  if (worker?.running !== undefined || blockedByStatus(pod) !== undefined) return undefined
  if (uploader !== undefined && uploaderStatus(pod)?.started !== true) {
    return { ask: 'log', pod, since: timeOf(uploader.startedAt) ?? 0 }
  }
  return {
    ask: 'events',
    of: pod.metadata?.uid ?? '',
    pod,
    since: timeOf(pod.metadata?.creationTimestamp) ?? 0,
  }
}

/** In milliseconds since the epoch. */
export function firstAskedAt({ since }: Question): number {
  return since + patienceMilliseconds
}

/** How long after it was asked it may be asked again, in milliseconds. */
export function pauseAfter({ ask, since }: Question, now: number): number {
  const isNew = ask === 'log' && now - since < soonMilliseconds.within
  return isNew ? soonMilliseconds.again : againMilliseconds[ask]
}

/** The same for the same question. */
export function keyOf(question: Question): string {
  return question.ask === 'log' ? `log ${question.pod.metadata?.uid}` : `events ${question.of}`
}
