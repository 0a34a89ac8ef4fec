import { randomUUID } from 'node:crypto'
import type { Cause } from '../../../job/job.ts'
import { causeIn } from '../../../job/state/termination-message.ts'
import { attemptFolders } from '../files/job-folders.ts'
import { removeBelow, removeFolder } from '../files/remove-folder.ts'
import type { LocalJob } from '../record/local-job.ts'
import type { LocalAttemptRecord } from '../record/local-job-record.ts'
import { beginNext, killAttempt, removeDropped } from '../recover.ts'
import type { FollowedAttempt } from './follow-state.ts'
import { machineFailure } from './machine-failure.ts'
import type { RunContext, RunSignals } from './run-context.ts'
import { superviseAttempt } from './supervise-attempt.ts'
import { followReports } from './uploader-reports.ts'

/** Attempts that ended before their worker's start, with their supervisor. */
const mostDropped = 5

const neverStarted: Cause = {
  reason: 'Error',
  message: `its supervisor ended ${mostDropped} times before it started the worker; see supervisor.log in the folder of its last attempt`,
}

/**
 * Runs a job's attempts until the last one has ended, or this program does (`signals.close`). Never
 * rejects.
 */
export async function runJob(run: RunContext, job: LocalJob, signals: RunSignals): Promise<void> {
  const { record } = job
  for (let dropped = 0; ; ) {
    record.attempt ??= newAttempt(record.failedAttempts + 1)
    const attempt = record.attempt
    const folders = attemptFolders(run.directory, job.uuid, attempt.uid)
    const failure = await localFailure({ run, job, attempt, folders, signals })
    if (signals.close.isSet && !signals.kill.isSet) return
    const isDropped = record.attempt === undefined
    if (isDropped && !record.stop && ++dropped < mostDropped) {
      await removeDropped(run.directory, record, attempt, run.log)
      continue
    }
    record.attempt = attempt
    if (attempt.worker.exitCode !== 0) record.failedAttempts++
    attempt.endedAt = Date.now()
    if (failure === undefined && anotherFollows(job)) {
      // In one step with the count of failed attempts: after a crash it counts once.
      beginNext(record, attempt)
      await job.trySave(run.log)
      await removeBelow(folders.root, ['result', 'scratch']).catch(() => undefined)
      continue
    }
    job.end(failure ?? record.stop?.cause ?? (isDropped ? neverStarted : endCause(attempt)))
    // Before the record is written: it may be what fills the disk.
    if (record.stop?.outcome === 'deleted') await removeFolder(folders.root).catch(() => undefined)
    await job.trySave(run.log)
    return
  }
}

function newAttempt(number: number): LocalAttemptRecord {
  return { uid: randomUUID(), number, createdAt: Date.now(), uploader: {}, worker: {} }
}

/**
 * Follows the attempt; resolves with a failure of this machine itself: a full disk, an uploader that
 * can't start.
 */
async function localFailure(followed: FollowedAttempt): Promise<Cause | undefined> {
  const endReports = followReports(followed)
  try {
    return await superviseAttempt(followed)
  } catch (error) {
    const { run, job, attempt, signals } = followed
    if (signals.close.isSet && !signals.kill.isSet) return undefined
    await killAttempt(attempt, job.uuid, run.log)
    run.log.error({ job: job.uuid, error }, 'a job can not be run')
    return machineFailure(error, 'its supervisor')
  } finally {
    endReports()
  }
}

function endCause({ uploader, worker }: LocalAttemptRecord): Cause | undefined {
  if (worker.cause) return worker.cause
  if (worker.startedAt !== undefined) return undefined
  return (
    causeIn(uploader.message) ?? {
      reason: 'Error',
      message: `the uploader ended before the worker could be started (exit code ${uploader.exitCode}); see its log`,
    }
  )
}

/** Only the worker's own failure is retried, and only up to the request's `retries`. */
function anotherFollows({ record }: LocalJob): boolean {
  const { attempt, stop, failedAttempts, request } = record
  const { worker, interrupted } = attempt ?? {}
  if (stop || interrupted || worker?.startedAt === undefined || worker.exitCode === 0) return false
  return failedAttempts <= request.retries
}
