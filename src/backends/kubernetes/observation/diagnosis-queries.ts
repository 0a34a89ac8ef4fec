import { type Pod, timeOf } from '../api/objects.ts'
import type { CachedJob } from '../cache/cached-job.ts'
import { begunAtOf, isArchived, isCreating, stopOf } from '../job-metadata.ts'
import { blockedByStatus } from './blocked.ts'
import { newestPodOf } from './disruptions.ts'
import { endOf } from './observe.ts'
import { hasEnded, uploaderStatus } from './pod-state.ts'
import { workerStatus } from './pod-steps.ts'

/**
 * Where to read why a job makes no progress, and since when it makes none, in milliseconds since
 * the epoch.
 */
export type DiagnosisQuery = EventsQuery | UploaderLogQuery

/** The warnings about one object. */
export interface EventsQuery {
  source: 'events'
  /** The UID of the pod, or of the Job while it has no pod. */
  of: string
  pod?: Pod
  since: number
}

/** The last lines of the uploader's log. */
export interface UploaderLogQuery {
  source: 'log'
  pod: Pod
  since: number
}

/** Undefined for a job that makes progress, and for one whose status says why it makes none. */
export function diagnosisQuery({ job, pods }: Pick<CachedJob, 'job' | 'pods'>): DiagnosisQuery | undefined {
  const isOver = stopOf(job) !== undefined || job.metadata?.deletionTimestamp !== undefined || isArchived(job)
  if (isOver || isCreating(job) || job.spec?.suspend === true) return undefined
  const newest = newestPodOf(pods)
  if (newest === undefined || hasEnded(newest)) {
    if (endOf(job, pods) !== undefined) return undefined
    return {
      source: 'events',
      of: job.metadata?.uid ?? '',
      since: begunAtOf(job) ?? timeOf(job.metadata?.creationTimestamp) ?? 0,
    }
  }
  const { pod } = newest
  const uploader = uploaderStatus(pod)?.state?.running
  const worker = workerStatus(pod)?.state
  if (worker?.terminated !== undefined) {
    const since = timeOf(worker.terminated.finishedAt) ?? 0
    return uploader === undefined ? undefined : { source: 'log', pod, since }
  }
  if (worker?.running !== undefined || blockedByStatus(pod) !== undefined) return undefined
  if (uploader !== undefined && uploaderStatus(pod)?.started !== true) {
    return { source: 'log', pod, since: timeOf(uploader.startedAt) ?? 0 }
  }
  return {
    source: 'events',
    of: pod.metadata?.uid ?? '',
    pod,
    since: timeOf(pod.metadata?.creationTimestamp) ?? 0,
  }
}

/** Equal for two queries that read the same. */
export function queryKey(query: DiagnosisQuery): string {
  return query.source === 'log' ? `log ${query.pod.metadata?.uid}` : `events ${query.of}`
}
