import type { Cause } from '../job.ts'
import type { JobRequest } from '../request/request.ts'
import { awaitedStep, nameOfProgram } from '../steps/step-states.ts'
import { heartbeatStop } from '../word/heartbeat.ts'
import { lastDisruption, ownFailuresUpTo, wasDisrupted } from './disruption.ts'
import type { Attempt, Observation, Stop } from './observation.ts'

/**
 * What a job's deadlines require: a stop now, or a look at the job later (milliseconds since the
 * epoch).
 */
export type Deadline = { stop: Stop } | { at: number }

/**
 * A stop if no further attempt is to follow a disruption, and the limits that the API enforces:
 * `start_timeout_seconds` from the job's creation, from the end of what it waited for, or from the end of the attempt before, to the
 * worker's start, and from a step's end to the next one's start; `timeout_seconds` from that start,
 * of a step from its own; `heartbeat_seconds` by what the uploader says. Kubernetes' activeDeadlineSeconds would count image pull and upload, too.
 */
export function nextDeadline(
  observation: Observation,
  request: TimeLimits,
  now: number,
): Deadline | undefined {
  const { attempt, stop, deletedAt, ended } = observation
  if (stop || deletedAt !== undefined || ended || observation.waiting) return undefined
  const last = lastDisruption(observation.disruptions)
  // As long as the attempt runs, its results may still become whole.
  if (last && (attempt === undefined || attempt.uid !== last.attempt || attempt.ended)) {
    return { stop: { outcome: 'failed', at: now, ...last } }
  }
  const awaited = awaitedStart(observation, request.retries)
  const { blocked } = observation
  if (awaited !== undefined && blocked?.final && !attempt?.ended) {
    const { reason, message } = blocked
    return { stop: { outcome: 'failed', at: now, cause: { reason, message } } }
  }
  const due = (start: AwaitedStart) => startDue(start, blocked, request.start_timeout_seconds, now)
  if (awaited !== undefined) return due(awaited)
  if (attempt === undefined || attempt.worker.finishedAt !== undefined || attempt.ended) return undefined
  const next = awaitedStep(attempt)
  const since = next?.before.finishedAt
  const event = `the end of ${nameOfProgram(next?.before.name)}`
  const start = since === undefined ? undefined : due({ since, event, program: nameOfProgram(next?.name) })
  const heard = isHoldRunning(observation, attempt, request) ? undefined : observation.heard
  const silence = heartbeatStop(attempt, heard, request.heartbeat_seconds, now)
  const missed = silence && { stop: silence }
  // Not without end: that it is held, a running program can say as well.
  const extraSeconds = observation.held ? (request.hold_after_failure_seconds ?? 0) : 0
  return earliest([start, ...runningDue(attempt, request, now, extraSeconds), missed])
}

/** A held program is silent. Both times are by the node's clock. */
function isHoldRunning(
  { held, heard }: Observation,
  { worker }: Attempt,
  { hold_after_failure_seconds: seconds = 0 }: TimeLimits,
): boolean {
  if (held === undefined || heard?.word.held === undefined) return false
  // Its end may be reported late, as in runningDue().
  return heard.at < Date.parse(heard.word.held.at) + seconds * 1000 + 2 * worker.resolution
}

export type TimeLimits = Pick<
  JobRequest,
  | 'start_timeout_seconds'
  | 'timeout_seconds'
  | 'heartbeat_seconds'
  | 'hold_after_failure_seconds'
  | 'retries'
  | 'steps'
>

/** The limits of what runs: of the worker, and of the step that runs. */
function runningDue({ worker, steps = [] }: Attempt, request: TimeLimits, now: number, extraSeconds: number) {
  const ofSteps = steps.flatMap(({ name, startedAt, finishedAt }) => {
    const seconds = request.steps?.find((step) => step.name === name)?.timeout_seconds
    return finishedAt === undefined ? [{ program: nameOfProgram(name), startedAt, seconds }] : []
  })
  const { startedAt } = worker
  const all = [{ program: 'the worker', startedAt, seconds: request.timeout_seconds }, ...ofSteps]
  return all.map(({ program, startedAt, seconds }): Deadline | undefined => {
    if (startedAt === undefined || seconds === undefined) return undefined
    // The start may be reported up to a second too early, and the end up to a second late (the
    // kubelet's period).
    const at = startedAt + (seconds + extraSeconds) * 1000 + 2 * worker.resolution
    if (now < at) return { at }
    return { stop: timeoutStop(seconds, now, program) }
  })
}

/** Stops a program that has run for its `timeout_seconds`. */
export function timeoutStop(seconds: number, now: number, program = 'the worker'): Stop {
  const message = `${program} was still running ${seconds} s after its start`
  return { outcome: 'failed', at: now, cause: { reason: 'TimeoutExceeded', message } }
}

/** A stop if one is due. */
function earliest(deadlines: readonly (Deadline | undefined)[]): Deadline | undefined {
  const all = deadlines.filter((one) => one !== undefined)
  const times = all.flatMap((one) => ('at' in one ? [one.at] : []))
  return all.find((one) => 'stop' in one) ?? (times.length > 0 ? { at: Math.min(...times) } : undefined)
}

/** Since when a worker's start is awaited. */
interface AwaitedStart {
  since: number
  /** The event at that time, for people. */
  event: string
  /** The step that is awaited, for people; absent: the worker. */
  program?: string
}

function startDue(
  { since, event, program = 'the worker' }: AwaitedStart,
  blocked: Cause | undefined,
  seconds: number,
  now: number,
): Deadline {
  const at = since + seconds * 1000
  if (now < at) return { at }
  const message = `${program} had not started ${seconds} s after ${event}`
  const cause: Cause = blocked
    ? { reason: blocked.reason, message: `${blocked.message} (${message})` }
    : { reason: 'StartTimeout', message }
  return { stop: { outcome: 'failed', at: now, cause } }
}

/** Undefined if no start is awaited, or if it isn't known since when. */
function awaitedStart(observation: Observation, retries: number): AwaitedStart | undefined {
  const { attempt, createdAt, begunAt, disruptions = [] } = observation
  const startedAt = attempt?.worker.startedAt
  if (attempt?.ended) {
    const another = wasDisrupted(observation, attempt) || ownFailuresUpTo(observation, attempt) <= retries
    if (!another) return undefined
  } else if (startedAt !== undefined) return undefined
  if (startedAt === undefined && !hasStartedBefore(observation)) {
    if (begunAt !== undefined) return { since: begunAt, event: 'the end of the jobs of `depends_on`' }
    return { since: createdAt, event: "the job's creation" }
  }
  const times = [disruptions.at(-1)?.at, attempt?.ended ? attempt.worker.finishedAt : attempt?.createdAt]
  const known = times.filter((time) => time !== undefined)
  if (known.length === 0) return undefined
  return { since: Math.max(...known), event: 'the end of the attempt before' }
}

/**
 * True if a worker of an earlier attempt has started: disruptions may have come before any start.
 */
function hasStartedBefore({ attempt, failedAttempts, disruptions = [] }: Observation): boolean {
  const started = disruptions.filter((one) => one.started).length
  return failedAttempts + started > 0 || (attempt?.number ?? 1) > 1 + disruptions.length
}
