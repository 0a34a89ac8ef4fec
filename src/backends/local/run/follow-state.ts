import { type FSWatcher, watch } from 'node:fs'
import { messageOf } from '../../../util/errors.ts'
import { OneShotEvent } from '../../../util/one-shot-event.ts'
import { within } from '../../../util/timers.ts'
import type { AttemptFolders } from '../files/job-folders.ts'
import { isProcessRunning, type ProcessRef } from '../process/process-table.ts'
import type { LocalJob } from '../record/local-job.ts'
import type { LocalAttemptRecord } from '../record/local-job-record.ts'
import { type AttemptState, readState, stateFileName } from '../supervisor/attempt-state.ts'
import type { RunContext, RunSignals } from './run-context.ts'

const pollMilliseconds = 250

/** An attempt as this program follows it. */
export interface FollowedAttempt {
  run: RunContext
  job: LocalJob
  attempt: LocalAttemptRecord
  folders: AttemptFolders
  signals: RunSignals
}

/**
 * Shows what the attempt's supervisor writes down, until it has ended or is to be left or killed.
 * Passes a stop on to it. Never rejects: what can't be read now is read again.
 */
export async function followState(followed: FollowedAttempt): Promise<AttemptState | undefined> {
  const { run, job, attempt, folders, signals } = followed
  const { supervisor } = attempt
  let wake = new OneShotEvent()
  const rouse = () => wake.set()
  // Once: each wait for these promises would add a listener for as long as the job runs.
  for (const signal of [signals.stop, signals.close, signals.kill]) void signal.happened.then(rouse)
  const watcher = watchIfPossible(folders.root, rouse)
  let told = false
  let isLogged = false
  try {
    for (;;) {
      wake = new OneShotEvent()
      try {
        // Before the state is read: what it wrote at its end is not missed.
        const runs = supervisor !== undefined && isProcessRunning(supervisor)
        const state = await takeState(followed, supervisor)
        if (state?.done || !runs || signals.close.isSet || signals.kill.isSet) return state
        // Before its first state it does not handle the signal yet, and would end by it.
        if (signals.stop.isSet && !told && state) {
          told = true
          terminate(supervisor.pid)
        }
      } catch (error) {
        if (signals.close.isSet || signals.kill.isSet) return undefined
        const line = { job: job.uuid, error: messageOf(error) }
        if (!isLogged) run.log.warn(line, "the state of a job's attempt can not be read, and is read again")
        isLogged = true
      }
      await within(pollMilliseconds, wake.happened)
    }
  } finally {
    watcher?.close()
  }
}

/** Takes what this supervisor has written down into the job's record. */
async function takeState(
  { run, job, attempt, folders }: FollowedAttempt,
  supervisor: ProcessRef | undefined,
): Promise<AttemptState | undefined> {
  const state = await readState(folders.root)
  const by = state?.attempt.supervisor
  if (by === undefined || by.pid !== supervisor?.pid || by.started !== supervisor.started) return undefined
  if (state?.attempt.uid !== attempt.uid) return undefined
  const before = JSON.stringify(attempt)
  if (isRunOver(attempt, state.attempt)) {
    Object.assign(attempt, whileRunning(state.attempt))
    job.changed()
  }
  Object.assign(attempt, state.attempt)
  const isStopped = state.stop !== undefined && job.record.stop === undefined
  if (isStopped) job.record.stop = state.stop as NonNullable<AttemptState['stop']>
  if (isStopped) await job.trySave(run.log)
  else if (JSON.stringify(attempt) !== before) job.changed()
  return state
}

/** True if the worker has started and ended between two reads: nobody saw it running. */
function isRunOver(before: LocalAttemptRecord, { worker }: LocalAttemptRecord): boolean {
  return (
    before.worker.startedAt === undefined && worker.startedAt !== undefined && worker.finishedAt !== undefined
  )
}

/** The attempt as it was while its worker ran. */
function whileRunning(attempt: LocalAttemptRecord): LocalAttemptRecord {
  const shown = structuredClone(attempt)
  for (const container of [shown.worker, shown.uploader]) {
    delete container.finishedAt
    delete container.exitCode
  }
  delete shown.uploader.message
  delete shown.interrupted
  return shown
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has already ended.
  }
}

/**
 * Calls `listener` when the state's file changes, not for each line of the logs beside it. Undefined
 * if the system has no watches left: polling alone works, too.
 */
function watchIfPossible(path: string, listener: () => void): FSWatcher | undefined {
  try {
    const onChange = (_: string, name: string | null) =>
      (name === null || name === stateFileName) && listener()
    return watch(path, onChange).on('error', () => undefined)
  } catch {
    return undefined
  }
}
