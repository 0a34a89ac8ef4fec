import { constants } from 'node:os'
import { defined } from '../../util/objects.ts'
import type { Cause } from '../job.ts'
import { nameOfProgram } from '../steps/step-states.ts'
import { lastDisruption } from './disruption.ts'
import { type Ending, hasWholeResults } from './ending.ts'
import { fullVolumeNote, orFullVolume } from './full-volume.ts'
import { emptyNote, filesLeftOut, outputMissing, reachedLimit, skippedNote } from './left-out.ts'
import type { Attempt, Observation, Stop, Stored } from './observation.ts'
import { storedNote } from './progress-note.ts'
import { uploadInterrupted } from './rescue-cause.ts'
import { uploaderCause, withUploadTrouble } from './termination-cause.ts'

/** A job's final state, with its cause, or a remark on a success. */
export interface Outcome {
  state: 'succeeded' | 'failed' | 'canceled'
  cause?: Cause
  note?: string
}

export const jobDeleted: Cause = { reason: 'JobDeleted', message: 'the Job was deleted in the cluster' }

/** The final state that follows from how an attempt ended. */
export function outcomeOf(
  ending: Ending,
  observation: Observation,
  attempt: Attempt,
  stored: Stored,
): Outcome {
  const { worker, interrupted } = attempt
  switch (ending.kind) {
    case 'stopped':
      return stopped(ending.stop)
    case 'interrupted':
      return failed(interruption(observation, attempt, ending.by))
    case 'told-to-stop':
      return failed(interrupted ? interruption(observation, attempt, interrupted) : toldToStop)
    case 'deleted':
      return failed(jobDeleted)
    case 'not-started': {
      const { ended, blocked } = observation
      return failed(uploaderCause(attempt) ?? worker.cause ?? ended?.cause ?? blocked ?? neverStarted)
    }
    case 'worker-failed': {
      const cause = worker.cause ?? orFullVolume(exitCause(worker), stored)
      const isWhole = hasWholeResults(attempt, stored)
      return failed(isWhole ? cause : withUploadTrouble(cause, observation, attempt))
    }
    case 'not-stored':
      return failed(uploaderCause(attempt) ?? uploadInterrupted(observation))
    case 'succeeded':
      return succeeded(stored)
  }
}

/** A worker that went well, whose result may lack what the operator's limits or errors kept out. */
function succeeded(stored: Stored): Outcome {
  const limit = reachedLimit(stored)
  if (limit !== undefined) return failed(limit)
  const missing = outputMissing(stored)
  if (missing !== undefined) return failed(missing)
  const notes = [fullVolumeNote, skippedNote, emptyNote].flatMap((noteOf) => noteOf(stored) ?? []).join('. ')
  const leftOut = filesLeftOut(stored)
  if (leftOut === undefined) {
    const note = notes || storedNote(stored)
    return { state: 'succeeded', ...defined({ note }) }
  }
  const message = notes === '' ? leftOut.message : `${leftOut.message}. ${notes}`
  return { state: 'succeeded', cause: { reason: leftOut.reason, message } }
}

export function stopped({ outcome, cause }: Stop): Outcome {
  return { state: outcome === 'failed' ? 'failed' : 'canceled', cause }
}

export function failed(cause: Cause): Outcome {
  return { state: 'failed', cause }
}

const neverStarted: Cause = { reason: 'Error', message: 'the pod ended before its worker had started' }

const toldToStop: Cause = {
  reason: 'Interrupted',
  message: 'the pod was told to stop before its worker had ended',
}

/**
 * A worker that exits 0 on an eviction has obeyed, not finished, though Kubernetes calls its Job
 * complete.
 */
function interruption(observation: Observation, attempt: Attempt, { reason, message }: Cause): Cause {
  const last = lastDisruption(observation.disruptions)
  if (last?.attempt === attempt.uid && observation.ended === undefined) return last.cause
  if (attempt.worker.exitCode === 0 && reason === 'Evicted') {
    return { reason: 'Interrupted', message: `${message}; the worker then exited with code 0` }
  }
  return { reason, message }
}

function exitCause({ exitCode, step }: Attempt['worker']): Cause {
  const program = nameOfProgram(step)
  if (exitCode === undefined) return { reason: 'Error', message: `the end of ${program} was not seen` }
  const signal = signalOf(exitCode)
  const because = signal === undefined ? '' : `, that is ${signal}`
  return { reason: 'Error', message: `${program} exited with code ${exitCode}${because}; see its log` }
}

/** Linux has the signals 1 to 31 and, for real time, 34 to 64: signal(7), NPTL keeps two. */
function signalOf(exitCode: number): string | undefined {
  const number = exitCode - 128
  if (number >= 34 && number <= 64) return `signal ${number}`
  const name = number >= 1 && number <= 31 ? nameOfSignal(number) : undefined
  if (name === undefined) return undefined
  return `signal ${number} (${name}${name === 'SIGKILL' ? killedBy : ''})`
}

function nameOfSignal(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

/** A runtime reports the same code for a shell whose child was killed and for a killed container. */
const killedBy = ': by a process of its own, or by the node or its container runtime'
