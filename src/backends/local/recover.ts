import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { timesOfEarlier } from '../../job/history/attempt-times.ts'
import type { Cause } from '../../job/job.ts'
import type { Log } from '../../util/log.ts'
import { attemptFolders, isJobFolder, jobFolders } from './files/job-folders.ts'
import { removeFolder } from './files/remove-folder.ts'
import { killOrphans, uploaderMarker, workerMarker } from './process/kill-processes.ts'
import { isOfThisBoot } from './process/process-table.ts'
import {
  type LocalAttemptRecord,
  type LocalJobRecord,
  readJob,
  recordEnd,
} from './record/local-job-record.ts'
import { observeAttempt } from './record/observe-record.ts'
import { type AttemptState, readState } from './supervisor/attempt-state.ts'
import { findSupervisor, supervisorMarker } from './supervisor/supervisor-process.ts'

/**
 * Reads all records, oldest first. A folder without a record is an interrupted creation and is
 * removed.
 */
export async function readRecords(directory: string, log: Log): Promise<LocalJobRecord[]> {
  const records: LocalJobRecord[] = []
  for (const name of await readdir(directory)) {
    if (!isJobFolder(name)) continue
    try {
      const record = await readJob(jobFolders(directory, name))
      if (record) records.push(record)
      else await removeFolder(join(directory, name))
    } catch (error) {
      log.error({ job: name, error }, 'the record of a job can not be read; its folder is left alone')
    }
  }
  return records.sort((a, b) => a.createdAt - b.createdAt || (a.uuid < b.uuid ? -1 : 1))
}

/**
 * Finds what an earlier run of this program left of an unfinished job. Its supervisor goes on; where
 * it is gone, or the job is deleted, what is left of the attempt is killed.
 */
export async function recoverJob(directory: string, record: LocalJobRecord, log: Log): Promise<void> {
  const { attempt, stop } = record
  if (record.ended || attempt === undefined) return
  const supervisor = await findSupervisor(attempt)
  if (supervisor && stop?.outcome !== 'deleted') {
    attempt.supervisor = supervisor
    await readAttempt(directory, record, attempt)
    return
  }
  await endAttempt(directory, record, attempt, log)
  if (record.attempt === undefined) await removeDropped(directory, record, attempt, log)
}

/** Removes the folder of an attempt that begins anew. */
export async function removeDropped(
  directory: string,
  record: LocalJobRecord,
  { uid }: LocalAttemptRecord,
  log: Pick<Log, 'error'>,
): Promise<void> {
  if (record.earlier?.some((one) => one.uid === uid)) return
  await removeFolder(attemptFolders(directory, record.uuid, uid).root).catch((error: unknown) => {
    log.error({ job: record.uuid, error }, 'the folder of an attempt can not be removed')
  })
}

/**
 * Kills what is left of an attempt without its supervisor, then repairs its record. Resolves with
 * the state that the supervisor has left if that is the attempt's end.
 */
export async function endAttempt(
  directory: string,
  record: LocalJobRecord,
  attempt: LocalAttemptRecord,
  log: Pick<Log, 'error'>,
): Promise<AttemptState | undefined> {
  const state = await readAttempt(directory, record, attempt)
  if (state?.done) return state
  await killAttempt(attempt, record.uuid, log)
  repairRecord(record, Date.now())
  delete attempt.supervisor
  return undefined
}

/** Kills the supervisor first, so that it starts nothing. Logs if a process can't be killed. */
export async function killAttempt(
  { uid, supervisor, worker, uploader }: LocalAttemptRecord,
  job: string,
  log: Pick<Log, 'error'>,
): Promise<void> {
  const isEnded = await killOrphans(supervisor, supervisorMarker(uid))
  const others = await Promise.all([
    killOrphans(worker.process, workerMarker(uid)),
    killOrphans(uploader.process, uploaderMarker(uid)),
  ])
  if (!isEnded || others.includes(false)) log.error({ job }, 'processes of a job can not be killed')
}

/** Takes over what the attempt's supervisor has written down, if that is newer than the record. */
async function readAttempt(
  directory: string,
  record: LocalJobRecord,
  attempt: LocalAttemptRecord,
): Promise<AttemptState | undefined> {
  const state = await readState(attemptFolders(directory, record.uuid, attempt.uid).root)
  if (state?.attempt.uid !== attempt.uid) return undefined
  const { supervisor } = attempt
  if (supervisor && state.attempt.supervisor?.started !== supervisor.started) return undefined
  Object.assign(attempt, state.attempt)
  if (state.stop) record.stop ??= state.stop
  return state
}

/**
 * Adapts the record of a job whose processes are gone. If the worker never started, the attempt is
 * dropped and begins anew; if the worker's end was not recorded, it was interrupted; if it was, the
 * attempt goes on storing.
 */
export function repairRecord(record: LocalJobRecord, now: number): void {
  const { attempt } = record
  if (attempt === undefined || record.ended) return
  const { worker, uploader } = attempt
  delete worker.process
  delete uploader.process
  // Version 0.2 wrote an attempt's end down before it began the next one.
  if (attempt.endedAt !== undefined) {
    beginNext(record, attempt)
    return
  }
  if (worker.launchedAt === undefined) {
    delete record.attempt
    return
  }
  if (worker.finishedAt !== undefined || worker.cause) return
  worker.startedAt ??= worker.launchedAt
  recordEnd(worker, now)
  if (record.stop === undefined) attempt.interrupted ??= { ...interruption(attempt), at: now }
}

/** The attempt has ended before its job: another one follows. */
export function beginNext(record: LocalJobRecord, attempt: LocalAttemptRecord): void {
  const { number, uid } = attempt
  const times = timesOfEarlier(observeAttempt(attempt))
  record.earlier = [...(record.earlier ?? []), { number, uid, times }]
  delete record.attempt
}

function interruption({ supervisor }: LocalAttemptRecord): Cause {
  const kept = 'what it had produced by then is kept'
  const event =
    supervisor === undefined
      ? 'the API was restarted'
      : isOfThisBoot(supervisor)
        ? 'its supervisor was killed'
        : 'the machine was restarted'
  return { reason: 'Interrupted', message: `${event} while it ran; ${kept}` }
}
