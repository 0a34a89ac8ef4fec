import { defined } from '../../util/objects.ts'
import { waitingFor } from '../dependencies/dependency-verdict.ts'
import type { Cause, JobResult, State } from '../job.ts'
import { awaitedStep } from '../steps/step-states.ts'
import { lastDisruption, repeating, wasDisrupted } from './disruption.ts'
import { type Ending, endingOf, isDecided } from './ending.ts'
import { withLeftOut } from './left-out.ts'
import type { Attempt, Observation, Stored } from './observation.ts'
import { failed, jobDeleted, outcomeOf, stopped } from './outcome.ts'
import { runningNote } from './progress-note.ts'
import { rescuing } from './rescue-cause.ts'

/** A job's state, its cause and its result: everything of the answer that can change. */
export interface Assessment {
  state: State
  cause?: Cause
  /** For people, if there is no cause: the step that runs, the uploader's progress, or a remark on a success. */
  note?: string
  result: JobResult
  /** The store is to be asked for the attempt's manifest, since a final state waits for it. */
  awaitsManifest: boolean
  /** The job and its results are being removed: callers don't see it any more. */
  deleted: boolean
}

/**
 * The state of a job as a function of its observation and of the store. `stored` is undefined until
 * the store has answered; `retries` is the request's.
 */
export function assess(observation: Observation, stored: Stored | undefined, retries: number): Assessment {
  const attempt = observation.attempt
  const deleted = observation.stop?.outcome === 'deleted'
  const live = (state: State, cause?: Cause): Assessment => ({
    state,
    ...defined({ cause }),
    result: { state: null, count: null, bytes: null },
    awaitsManifest: state === 'storing',
    deleted,
  })
  if (!attempt) return withoutAttempt(observation, stored, live)
  if (!attempt.ended) {
    if (attempt.worker.startedAt === undefined) {
      const state = attempt.scheduled ? 'preparing' : 'queued'
      return live(state, stopping(observation) ?? observation.blocked ?? repeating(observation))
    }
    if (attempt.worker.finishedAt === undefined) {
      // Of a later step: the worker of a job without steps runs.
      const blocked = awaitedStep(attempt) && observation.blocked
      const note = runningNote(attempt)
      return {
        ...live('running', stopping(observation) ?? observation.held ?? blocked),
        ...defined({ note }),
      }
    }
  }
  // Before the worker's start there is nothing to store.
  const known = attempt.worker.startedAt === undefined ? 'none' : stored
  if (known === undefined || !isDecided(observation, attempt, known)) {
    const { progress } = observation
    return {
      ...live('storing', stopping(observation) ?? rescuing(observation) ?? observation.blocked),
      ...defined({ note: progress }),
    }
  }
  const ending = endingOf(observation, attempt, known)
  const outcome = outcomeOf(ending, observation, attempt, known)
  if (outcome.state !== 'succeeded' && observation.incomplete) {
    return live('storing', stopping(observation) ?? observation.blocked)
  }
  const following =
    outcome.state === 'failed' && nextAttempt(observation, attempt, ending, outcome.cause, retries)
  if (following) return live('queued', observation.suspended ? suspension : following)
  const { state, note } = outcome
  const cause = withLeftOut(outcome.cause, known)
  return {
    state,
    ...defined({ cause, note }),
    result: resultOf(state, known),
    awaitsManifest: false,
    deleted,
  }
}

function withoutAttempt(
  observation: Observation,
  stored: Stored | undefined,
  live: (state: State, cause?: Cause) => Assessment,
): Assessment {
  const { stop, deletedAt, ended, suspended, waiting, blocked, rescue } = observation
  if (!stop && deletedAt === undefined && !ended) {
    if (waiting !== undefined && waiting.jobs.length > 0) return live('queued', waitingFor(waiting.jobs))
    return live('queued', suspended ? suspension : (blocked ?? repeating(observation)))
  }
  if (observation.incomplete) return live('queued', stopping(observation))
  // A pod that is gone may have left results, and the status of a Job that is being deleted counts
  // no pods: only the store shows whether there was one.
  if (stored === undefined || rescue?.state === 'running') {
    return live('storing', stopping(observation) ?? rescuing(observation))
  }
  const { state, cause } = stop
    ? stopped(stop)
    : failed(ended?.cause ?? (deletedAt === undefined ? podGone : jobDeleted))
  return {
    state,
    ...defined({ cause: withLeftOut(cause, stored) }),
    result: resultOf(state, stored),
    awaitsManifest: false,
    deleted: stop?.outcome === 'deleted',
  }
}

/** Why a job waits after a failed attempt; undefined if no further attempt follows. */
function nextAttempt(
  observation: Observation,
  attempt: Attempt,
  ending: Ending,
  cause: Cause | undefined,
  retries: number,
): Cause | undefined {
  const { stop, deletedAt, ended } = observation
  if (cause === undefined || stop || deletedAt !== undefined || ended) return undefined
  // Its worker went well: what it left is too large, or lacks a required file.
  if (ending.kind === 'succeeded') return undefined
  if (ending.kind === 'interrupted' && wasDisrupted(observation, attempt)) {
    return lastDisruption(observation.disruptions) ? undefined : repeating(observation)
  }
  // With retries only the backend knows: its count may be ahead of the attempts that are seen, or
  // behind.
  if (retries === 0) return undefined
  const message = `attempt ${attempt.number} failed (${cause.message}); attempt ${attempt.number + 1} follows`
  return { reason: cause.reason, message }
}

/** Why an attempt that still runs is about to end. */
function stopping({ stop, attempt }: Observation): Cause | undefined {
  if (stop) return { reason: stop.cause.reason, message: `is being stopped: ${stop.cause.message}` }
  const interrupted = attempt?.interrupted
  return interrupted && { reason: interrupted.reason, message: `is being ended: ${interrupted.message}` }
}

const suspension: Cause = { reason: 'Suspended', message: 'the Job is suspended; resume it to go on' }

const podGone: Cause = {
  reason: 'PodDeleted',
  message: 'the pod was gone before its end was seen, so it is not known whether its results are complete',
}

/** A result is complete when its worker succeeded and every file's bytes are in the store. */
function resultOf(state: State, stored: Stored): JobResult {
  if (stored === 'none') return { state: 'missing', count: 0, bytes: 0 }
  const complete = state === 'succeeded' && stored.errors === 0
  return { state: complete ? 'complete' : 'partial', count: stored.count, bytes: stored.bytes }
}
