import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { attemptFolders, isJobFolder, jobFolders } from './folders.ts'
import { killLeftOver, uploaderMarker, workerMarker } from './kill.ts'
import { type JobRecord, readRecord } from './record.ts'
import { removeFolder } from './remove-folder.ts'

/** Reads every job that is written down, oldest first. A folder without a record is a creation cut short: removed. */
export async function readRecords(directory: string, log: Log): Promise<JobRecord[]> {
  const records: JobRecord[] = []
  for (const name of await readdir(directory)) {
    if (!isJobFolder(name)) continue
    try {
      const record = await readRecord(jobFolders(directory, name).record)
      if (record) records.push(record)
      else await removeFolder(join(directory, name))
    } catch (error) {
      log.error({ job: name, error }, 'the record of a job can not be read; its folder is left alone')
    }
  }
  return records.sort((a, b) => a.createdAt - b.createdAt || (a.uuid < b.uuid ? -1 : 1))
}

/** Kills what an earlier process of this program left running of a job that hasn't ended, then mends its record. */
export async function takeOver(directory: string, record: JobRecord, log: Log): Promise<void> {
  const { attempt } = record
  if (record.ended || attempt === undefined) return
  const gone = await Promise.all([
    killLeftOver(attempt.worker.process, workerMarker(attempt.uid)),
    killLeftOver(attempt.uploader.process, uploaderMarker(attempt.uid)),
  ])
  if (gone.includes(false)) log.error({ job: record.uuid }, 'processes of a job can not be killed')
  const { root } = attemptFolders(directory, record.uuid, attempt.uid)
  mend(record, Date.now())
  if (record.attempt === undefined) await removeFolder(root)
}

/**
 * What the record of a job says once nothing of it runs any more: an attempt whose worker was never started is
 * forgotten and begins anew, one whose worker's end nobody saw was interrupted. One whose worker had ended goes on
 * storing.
 */
export function mend(record: JobRecord, now: number): void {
  const { attempt } = record
  if (attempt === undefined || record.ended) return
  const { worker, uploader } = attempt
  delete worker.process
  delete uploader.process
  // One that has ended before the job has is followed by another.
  if (worker.launchedAt === undefined || attempt.endedAt !== undefined) {
    delete record.attempt
    return
  }
  if (worker.finishedAt !== undefined || worker.cause) return
  worker.startedAt ??= worker.launchedAt
  worker.finishedAt = now
  if (record.stop === undefined) {
    const message = 'the API was restarted while it ran; what it had produced by then is kept'
    attempt.interrupted = { reason: 'Interrupted', message, at: now }
  }
}
