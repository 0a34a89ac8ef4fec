import { lastDisruption } from './disruption.ts'
import type { Observation, Stop } from './observation.ts'
import type { JobRequest } from './request.ts'

/** What time itself asks of a job: a stop now, or a look at it later (milliseconds since the epoch). */
export type Due = { stop: Stop } | { at: number }

/**
 * A stop where no further attempt is to follow a disruption, and the limits that the API enforces:
 * `start_timeout_seconds` from creation to the first worker's start, `timeout_seconds` from the worker's start.
 * activeDeadlineSeconds would count image pull and upload too.
 */
export function due(
  observation: Observation,
  request: Pick<JobRequest, 'start_timeout_seconds' | 'timeout_seconds'>,
  now: number,
): Due | undefined {
  const { attempt, stop, deletedAt, ended, createdAt } = observation
  if (stop || deletedAt !== undefined || ended) return undefined
  const last = lastDisruption(observation.disruptions)
  // As long as it lives, what it stores may still be whole.
  if (last && (attempt === undefined || attempt.uid !== last.attempt || attempt.ended)) {
    return { stop: { outcome: 'failed', at: now, ...last } }
  }
  const startedAt = attempt?.worker.startedAt
  if (startedAt === undefined) {
    if (attempt?.ended || hasStartedBefore(observation)) return undefined
    const at = createdAt + request.start_timeout_seconds * 1000
    if (now < at) return { at }
    const message = `the worker had not started ${request.start_timeout_seconds} s after the job's creation`
    const blocked = observation.blocked
    return {
      stop: {
        outcome: 'failed',
        at: now,
        cause: blocked
          ? { reason: blocked.reason, message: `${blocked.message} (${message})` }
          : { reason: 'StartTimeout', message },
      },
    }
  }
  if (request.timeout_seconds === undefined || attempt?.worker.finishedAt !== undefined || attempt?.ended) {
    return undefined
  }
  // The start may be told as up to a second too early, and an end in time up to a second late (the kubelet's period).
  const slack = 2 * (attempt?.worker.resolution ?? 0)
  const at = startedAt + request.timeout_seconds * 1000 + slack
  if (now < at) return { at }
  const message = `the worker was still running ${request.timeout_seconds} s after its start`
  return { stop: { outcome: 'failed', at: now, cause: { reason: 'TimeoutExceeded', message } } }
}

/** Whether a worker of an earlier attempt was started: one that was disrupted before has had no start yet. */
function hasStartedBefore({ attempt, failedAttempts, disruptions = [] }: Observation): boolean {
  const started = disruptions.filter((one) => one.started).length
  return failedAttempts + started > 0 || (attempt?.number ?? 1) > 1 + disruptions.length
}

/**
 * Milliseconds until the store is asked again for a manifest, by the time since the worker's end: every 50 ms
 * for 10 s, then at 1 % of that time, at most every second.
 */
export function manifestLookupDelay(sinceWorkersEnd: number): number {
  return sinceWorkersEnd <= 10_000 ? 50 : Math.min(1000, sinceWorkersEnd / 100)
}
