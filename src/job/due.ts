import { lastDisruption, ownFailures, wasDisrupted } from './disruption.ts'
import type { Cause } from './job.ts'
import type { Observation, Stop } from './observation.ts'
import type { JobRequest } from './request.ts'

/** What time itself asks of a job: a stop now, or a look at it later (milliseconds since the epoch). */
export type Due = { stop: Stop } | { at: number }

/**
 * A stop where no further attempt is to follow a disruption, and the limits that the API enforces:
 * `start_timeout_seconds` from the job's creation, or from the end of the attempt before, to the worker's start;
 * `timeout_seconds` from that start.
 * activeDeadlineSeconds would count image pull and upload too.
 */
export function due(
  observation: Observation,
  request: Pick<JobRequest, 'start_timeout_seconds' | 'timeout_seconds' | 'retries'>,
  now: number,
): Due | undefined {
  const { attempt, stop, deletedAt, ended } = observation
  if (stop || deletedAt !== undefined || ended) return undefined
  const last = lastDisruption(observation.disruptions)
  // As long as it lives, what it stores may still be whole.
  if (last && (attempt === undefined || attempt.uid !== last.attempt || attempt.ended)) {
    return { stop: { outcome: 'failed', at: now, ...last } }
  }
  const awaited = awaitedStart(observation, request.retries)
  if (awaited !== undefined) return startDue(awaited, observation.blocked, request.start_timeout_seconds, now)
  const startedAt = attempt?.worker.startedAt
  if (startedAt === undefined) return undefined
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

/** A worker that is to start, and since when. */
interface AwaitedStart {
  since: number
  /** What happened then. */
  event: string
}

function startDue(
  { since, event }: AwaitedStart,
  blocked: Cause | undefined,
  seconds: number,
  now: number,
): Due {
  const at = since + seconds * 1000
  if (now < at) return { at }
  const message = `the worker had not started ${seconds} s after ${event}`
  const cause: Cause = blocked
    ? { reason: blocked.reason, message: `${blocked.message} (${message})` }
    : { reason: 'StartTimeout', message }
  return { stop: { outcome: 'failed', at: now, cause } }
}

/** Undefined where none is awaited, or where it isn't known since when. */
function awaitedStart(observation: Observation, retries: number): AwaitedStart | undefined {
  const { attempt, createdAt, disruptions = [] } = observation
  const startedAt = attempt?.worker.startedAt
  if (attempt?.ended) {
    const another = wasDisrupted(observation, attempt) || ownFailures(observation, attempt) <= retries
    if (!another) return undefined
  } else if (startedAt !== undefined) return undefined
  if (startedAt === undefined && !hasStartedBefore(observation)) {
    return { since: createdAt, event: "the job's creation" }
  }
  const times = [disruptions.at(-1)?.at, attempt?.ended ? attempt.worker.finishedAt : attempt?.createdAt]
  const known = times.filter((time) => time !== undefined)
  if (known.length === 0) return undefined
  return { since: Math.max(...known), event: 'the end of the attempt before' }
}

/** Whether a worker of an earlier attempt was started: one that was disrupted before has had no start yet. */
function hasStartedBefore({ attempt, failedAttempts, disruptions = [] }: Observation): boolean {
  const started = disruptions.filter((one) => one.started).length
  return failedAttempts + started > 0 || (attempt?.number ?? 1) > 1 + disruptions.length
}

/**
 * Milliseconds until the store is asked again for a manifest, by the time that storing has taken: a manifest is found
 * within 100 ms for 10 s, then within 1 % of that time and a second at most, the store's answer included.
 */
export function manifestLookupDelay(storingMs: number): number {
  return storingMs <= 10_000 ? 50 : Math.min(900, storingMs / 125)
}
