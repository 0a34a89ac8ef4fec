import { isFinal, type Job } from '../../job/job.ts'
import { type Clock, systemClock } from '../../util/clock.ts'
import { messageOf } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { currentJob } from '../current-job.ts'
import type { JobChange } from '../jobs.ts'
import type { Records } from '../records/records.ts'
import { failureDelay } from './retry-delays.ts'
import type { Tracker } from './tracker.ts'

interface Parts {
  tracker: Tracker
  records: Records
  log: Log
  clock?: Clock
}

/**
 * As Jobs.watch(). Another replica may see a job's manifest first and let the job go before this
 * one has asked the store again. The end of such a job is read from its record, so that each
 * listener is called for each end.
 */
export function watchJobs(
  { tracker, records, log, clock = systemClock }: Parts,
  listener: (change: JobChange) => void,
): () => void {
  /** Jobs whose listener was not called for their end yet. */
  const open = new Set<string>()
  const closing = new AbortController()

  const end = tracker.changes.onAny((uuid) => {
    const { answer: job, live, assessment } = tracker.get(uuid) ?? {}
    const deleted = assessment?.deleted ?? false
    if (job && !deleted && !isFinal(job.state)) open.add(uuid)
    else if (open.delete(uuid) && job === undefined) return void reportEnd(uuid)
    listener({ uuid, job, deleted, request: live?.request, uploaded: live?.observation.uploaded })
  })

  async function reportEnd(uuid: string): Promise<void> {
    const job = await lastState(uuid)
    if (closing.signal.aborted || tracker.get(uuid)) return
    if (job) listener({ uuid, job, deleted: false, request: undefined })
    listener({ uuid, job: undefined, deleted: job === undefined, request: undefined })
  }

  async function lastState(uuid: string): Promise<Job | undefined> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await currentJob(tracker, records, uuid)
      } catch (error) {
        log.warn(
          { job: uuid, error: messageOf(error) },
          'reading the end of a job from its record failed and is repeated',
        )
        await clock.sleep(failureDelay(failures), closing).catch(() => undefined)
        if (closing.signal.aborted || tracker.get(uuid)) return undefined
      }
    }
  }

  return () => {
    end()
    closing.abort()
  }
}
