import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../errors.ts'
import { isFinal, type Job } from '../job/job.ts'
import type { Log } from '../log.ts'
import { currentJob } from './current-job.ts'
import type { JobChange } from './jobs.ts'
import type { Records } from './records.ts'
import { failureDelay } from './tracked.ts'
import type { Tracker } from './tracker.ts'

interface Parts {
  tracker: Tracker
  records: Records
  log: Log
}

/**
 * As Jobs.watch(). Another replica may see a job's manifest first and let the job go before this one has asked the
 * store again: how such a job ended is told from its record, so that whoever listens hears of every end.
 */
export function watchJobs(
  { tracker, records, log }: Parts,
  listener: (change: JobChange) => void,
): () => void {
  /** Those whose end was not told yet. */
  const open = new Set<string>()
  const closing = new AbortController()

  const end = tracker.changes.onAny((uuid) => {
    const { answer: job, live, assessment } = tracker.get(uuid) ?? {}
    const deleted = assessment?.deleted ?? false
    if (job && !deleted && !isFinal(job.state)) open.add(uuid)
    else if (open.delete(uuid) && job === undefined) return void tellLast(uuid)
    listener({ uuid, job, deleted, request: live?.request, uploaded: live?.observation.uploaded })
  })

  async function tellLast(uuid: string): Promise<void> {
    const job = await lastOf(uuid)
    if (closing.signal.aborted || tracker.get(uuid)) return
    if (job) listener({ uuid, job, deleted: false, request: undefined })
    listener({ uuid, job: undefined, deleted: job === undefined, request: undefined })
  }

  async function lastOf(uuid: string): Promise<Job | undefined> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await currentJob(tracker, records, uuid)
      } catch (error) {
        log.warn({ job: uuid, error: messageOf(error) }, 'how a job ended can not be told yet')
        await sleep(failureDelay(failures), undefined, closing).catch(() => undefined)
        if (closing.signal.aborted || tracker.get(uuid)) return undefined
      }
    }
  }

  return () => {
    end()
    closing.abort()
  }
}
