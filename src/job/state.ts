import type { ManifestHead } from '../artifact/manifest.ts'
import { lastDisruption, repeating, wasDisrupted } from './disruption.ts'
import { fullVolumeNote, orFullVolume } from './full-volume.ts'
import type { Cause, JobResult, State } from './job.ts'
import type { Attempt, Observation, Stored } from './observation.ts'
import { rescuing, uploadInterrupted } from './rescue.ts'
import { uploadersWords, withUploadTrouble } from './uploaders-words.ts'

/** What a job's state is and why; everything of the answer that can change. */
export interface Assessment {
  state: State
  cause?: Cause
  /** For people, where there is no cause: how far it is, or what is odd about a success. */
  note?: string
  result: JobResult
  /** The store is to be asked for the attempt's manifest, since a final state waits for it. */
  awaitsManifest: boolean
  /** The job and all of it is being removed: callers don't see it any more. */
  deleted: boolean
}

/**
 * The state of a job as a function of what its backend shows and what is in the store (design: "States").
 * `stored` is undefined while the store was not asked or had no answer; `retries` is the request's.
 */
export function assess(observation: Observation, stored: Stored | undefined, retries: number): Assessment {
  const attempt = observation.attempt
  const deleted = observation.stop?.outcome === 'deleted'
  const live = (state: State, cause?: Cause): Assessment => ({
    state,
    ...(cause && { cause }),
    result: { state: null, count: null, bytes: null },
    awaitsManifest: state === 'storing',
    deleted,
  })
  if (!attempt) return withoutAttempt(observation, stored, live)
  if (!attempt.ended) {
    if (attempt.worker.startedAt === undefined) {
      const state = attempt.scheduled ? 'preparing' : 'queued'
      return live(state, ending(observation) ?? observation.blocked ?? repeating(observation))
    }
    if (attempt.worker.finishedAt === undefined) return live('running', ending(observation))
  }
  // Before the worker's start there is nothing to store.
  const known = attempt.worker.startedAt === undefined ? 'none' : stored
  if (known === undefined || !isDecided(observation, attempt, known)) {
    const { progress } = observation
    return {
      ...live('storing', ending(observation) ?? rescuing(observation) ?? observation.blocked),
      ...(progress !== undefined && { note: progress }),
    }
  }
  const outcome = finalOutcome(observation, attempt, known)
  if (outcome.state !== 'succeeded' && observation.incomplete) {
    return live('storing', ending(observation) ?? observation.blocked)
  }
  const following = anotherAttempt(observation, attempt, outcome, retries)
  if (following) return live('queued', observation.suspended ? suspension : following)
  const { state, cause, note } = outcome
  return {
    state,
    ...(cause && { cause }),
    ...(note && { note }),
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
  const { stop, deletedAt, ended, suspended, blocked, rescue } = observation
  if (!stop && deletedAt === undefined && !ended) {
    if (suspended) {
      return live('queued', suspension)
    }
    return live('queued', blocked ?? repeating(observation))
  }
  if (observation.incomplete) return live('queued', ending(observation))
  // A pod that is gone may have left results, and Kubernetes counts none of a Job that is being deleted (tried):
  // whether there ever was one, the store alone can tell.
  if (stored === undefined || rescue?.state === 'running') {
    return live('storing', ending(observation) ?? rescuing(observation))
  }
  const { state, cause } = stop
    ? stopped(stop.outcome, stop.cause)
    : failed(ended?.cause ?? (deletedAt === undefined ? podGone : jobDeleted))
  return {
    state,
    ...(cause && { cause }),
    result: resultOf(state, stored),
    awaitsManifest: false,
    deleted: stop?.outcome === 'deleted',
  }
}

/**
 * Whether a manifest, or its absence, says the last word. A manifest whose scan is not proved to have begun
 * after the worker's end may be followed by another one as long as an uploader lives, or a rescue may come: SIGTERM
 * to the uploader alone says nothing about the worker. A failure without a known cause waits for the attempt's end:
 * kubelets say only then that it was they who evicted it.
 */
function isDecided({ stop, deletedAt, rescue }: Observation, attempt: Attempt, stored: Stored): boolean {
  if (attempt.ended && (rescue === undefined || rescue.state === 'over')) return true
  if (stored === 'none' || !coversWorkersEnd(attempt, stored)) return false
  const { worker, interrupted } = attempt
  if (attempt.ended || stop || deletedAt !== undefined || interrupted || worker.cause) return true
  return worker.exitCode === 0 && stored.stop_seen_at === undefined
}

function coversWorkersEnd(attempt: Attempt, head: ManifestHead): boolean {
  const { finishedAt, resolution } = attempt.worker
  if (finishedAt === undefined || head.checkpoint !== undefined) return false
  const scan = Date.parse(head.scan_started_at)
  if (scan >= finishedAt + resolution) return true
  if (scan < finishedAt) return false
  // Both in the same whole second: the kubelet ends a sidecar only after the worker. Of one that it restarted, the
  // manifest must be the last run's.
  const { uploader } = attempt
  if (uploader.finishedAt === undefined || uploader.finishedAt < finishedAt) return false
  return uploader.restarts === 0 || scan >= (uploader.startedAt ?? scan) + uploader.resolution
}

interface Outcome {
  state: 'succeeded' | 'failed' | 'canceled'
  cause?: Cause
  note?: string
  /** It is the interruption that failed it. */
  interrupted?: true
}

function finalOutcome(observation: Observation, attempt: Attempt, stored: Stored): Outcome {
  const { stop } = observation
  const { worker, interrupted } = attempt
  const deletedAt = othersDeletionOf(observation)
  const begunBeforeEnd = (at: number) =>
    worker.finishedAt === undefined || at <= worker.finishedAt + worker.resolution
  const whole = stored !== 'none' && coversWorkersEnd(attempt, stored)
  const stopSeen = stored !== 'none' && stored.stop_seen_at !== undefined
  if (stop && (!whole || stopSeen || begunBeforeEnd(stop.at))) return stopped(stop.outcome, stop.cause)
  if (interrupted && (!whole || begunBeforeEnd(interrupted.at)))
    return { ...failed(interruption(observation, attempt, interrupted)), interrupted: true }
  if (worker.startedAt === undefined) {
    return failed(
      (deletedAt !== undefined ? jobDeleted : undefined) ??
        uploadersWords(attempt) ??
        worker.cause ??
        observation.ended?.cause ??
        observation.blocked ?? { reason: 'Error', message: 'the pod ended before its worker had started' },
    )
  }
  // What a worker does that is told to stop is no failure of its own, and no success: the hook may not have been heard.
  const gotStop = deletedAt !== undefined && begunBeforeEnd(deletedAt)
  if (gotStop) return failed(jobDeleted)
  const withUpload = (cause: Cause) => (whole ? cause : withUploadTrouble(cause, observation, attempt))
  if (worker.cause) return failed(withUpload(worker.cause))
  if (worker.exitCode !== 0) return failed(withUpload(orFullVolume(exitCause(worker.exitCode), stored)))
  if (!whole)
    return failed(
      deletedAt !== undefined ? jobDeleted : (uploadersWords(attempt) ?? uploadInterrupted(observation)),
    )
  if (stopSeen) {
    // A kubelet that comes back late tells of a deletion that came when the worker had just ended.
    return failed(
      (deletedAt !== undefined ? jobDeleted : undefined) ??
        (interrupted && interruption(observation, attempt, interrupted)) ?? {
          reason: 'Interrupted',
          message: 'the pod was told to stop before its worker had ended',
        },
    )
  }
  const note = fullVolumeNote(stored)
  return { state: 'succeeded', ...(note && { note }) }
}

/** A stop deletes the Job too; in whole seconds, rounded down, that may seem to have come before the stop. */
function othersDeletionOf({ stop, deletedAt }: Observation): number | undefined {
  return stop !== undefined && deletedAt !== undefined && deletedAt + 1000 > stop.at ? undefined : deletedAt
}

function stopped(outcome: 'canceled' | 'failed' | 'deleted', cause: Cause): Outcome {
  return { state: outcome === 'failed' ? 'failed' : 'canceled', cause }
}

function failed(cause: Cause): Outcome {
  return { state: 'failed', cause }
}

const suspension: Cause = { reason: 'Suspended', message: 'the Job is suspended; resume it to go on' }

const jobDeleted: Cause = { reason: 'JobDeleted', message: 'somebody deleted the Job in the cluster' }

const podGone: Cause = {
  reason: 'PodDeleted',
  message: 'the pod was gone before its end was seen, so that nothing vouches for its results',
}

/** A worker that answers an eviction by exiting 0 has obeyed, not finished: Kubernetes calls its Job complete. */
function interruption(observation: Observation, attempt: Attempt, interrupted: Cause): Cause {
  const last = lastDisruption(observation.disruptions)
  if (last?.attempt === attempt.uid && observation.ended === undefined) return last.cause
  if (attempt.worker.exitCode === 0 && interrupted.reason === 'Evicted') {
    return { reason: 'Interrupted', message: `${interrupted.message}; the worker then exited with code 0` }
  }
  return { reason: interrupted.reason, message: interrupted.message }
}

function exitCause(exitCode: number | undefined): Cause {
  if (exitCode === undefined) return { reason: 'Error', message: "the worker's end was not seen" }
  const signal = exitCode > 128 ? `, that is signal ${exitCode - 128}` : ''
  return { reason: 'Error', message: `the worker exited with code ${exitCode}${signal}; see its log` }
}

/** What is said of a failed attempt that another one follows. */
function anotherAttempt(
  observation: Observation,
  attempt: Attempt,
  { state, cause, interrupted }: Outcome,
  retries: number,
): Cause | undefined {
  const { stop, deletedAt, ended } = observation
  if (state !== 'failed' || cause === undefined || stop || deletedAt !== undefined || ended) return undefined
  if (interrupted && wasDisrupted(observation, attempt)) {
    return lastDisruption(observation.disruptions) ? undefined : repeating(observation)
  }
  // With retries the backend alone knows: its count may be ahead of the attempts that are seen, and behind.
  if (retries === 0) return undefined
  const message = `attempt ${attempt.number} failed (${cause.message}); attempt ${attempt.number + 1} follows`
  return { reason: cause.reason, message }
}

/** Why an attempt that still runs won't go on. */
function ending({ stop, attempt }: Observation): Cause | undefined {
  if (stop) return { reason: stop.cause.reason, message: `is being stopped: ${stop.cause.message}` }
  const interrupted = attempt?.interrupted
  return interrupted && { reason: interrupted.reason, message: `is being ended: ${interrupted.message}` }
}

/** A result is complete when its worker succeeded and every file's bytes are in the store. */
function resultOf(state: State, stored: Stored): JobResult {
  if (stored === 'none') return { state: 'missing', count: 0, bytes: 0 }
  const complete = state === 'succeeded' && stored.errors === 0
  return { state: complete ? 'complete' : 'partial', count: stored.count, bytes: stored.bytes }
}
