import { randomUUID } from 'node:crypto'
import { messageOf } from '../errors.ts'
import type { Cause } from '../job/job.ts'
import { runAttempt } from './attempt-run.ts'
import { CannotStart } from './child.ts'
import { attemptFolders } from './folders.ts'
import type { JobEntry } from './job-entry.ts'
import type { AttemptRecord } from './record.ts'
import { removeFolder } from './remove-folder.ts'
import { type AttemptContext, type Halt, type RunContext, saveIfPossible } from './run-context.ts'
import { causeOf } from './uploader.ts'

/** Runs a job's attempts to the last one's end. Never rejects. */
export async function runJob(run: RunContext, job: JobEntry, halt: Halt): Promise<void> {
  const { record } = job
  for (;;) {
    record.attempt ??= newAttempt(record.failedAttempts + 1)
    const attempt = record.attempt
    const folders = attemptFolders(run.directory, job.uuid, attempt.uid)
    const context: AttemptContext = { ...run, job, attempt, folders, halt }
    const trouble = await attemptRun(context)
    if (halt.closing) return
    if (attempt.worker.exitCode !== 0) record.failedAttempts++
    attempt.endedAt = Date.now()
    if (trouble === undefined && anotherFollows(job)) {
      await saveIfPossible(context)
      await removeFolder(folders.result).catch(() => undefined)
      delete record.attempt
      continue
    }
    end(job, trouble ?? record.stop?.cause ?? endCause(attempt))
    await saveIfPossible(context)
    return
  }
}

/** The record of a job of which nothing runs any more. */
export function end(job: JobEntry, cause: Cause | undefined): void {
  const at = Date.now()
  job.record.ended = { at, ...(cause && { cause }) }
  if (job.record.attempt) job.record.attempt.endedAt ??= at
  job.record.environment = {}
  job.blocked = undefined
}

function newAttempt(number: number): AttemptRecord {
  return { uid: randomUUID(), number, uploader: {}, worker: {} }
}

/** What went wrong on this machine itself, if anything did. */
async function attemptRun(context: AttemptContext): Promise<Cause | undefined> {
  try {
    await runAttempt(context)
    return undefined
  } catch (error) {
    context.log.error({ job: context.job.uuid, error }, 'a job can not be run')
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC'
    const message = error instanceof CannotStart ? `the uploader: ${error.message}` : messageOf(error)
    return { reason: full ? 'StorageFull' : 'Error', message }
  }
}

function endCause({ uploader, worker }: AttemptRecord): Cause | undefined {
  if (worker.cause) return worker.cause
  if (worker.startedAt !== undefined) return undefined
  return (
    causeOf(uploader.message) ?? {
      reason: 'Error',
      message: `the uploader ended before the worker could be started (exit code ${uploader.exitCode}); see its log`,
    }
  )
}

/** The worker's own failure alone is tried again, and only where the request asks for it. */
function anotherFollows({ record }: JobEntry): boolean {
  const { attempt, stop, failedAttempts, request } = record
  const { worker, interrupted } = attempt ?? {}
  if (stop || interrupted || worker?.startedAt === undefined || worker.exitCode === 0) return false
  return failedAttempts <= request.retries
}
