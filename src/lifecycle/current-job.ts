import { isFinal, type Job } from '../job/job.ts'
import { Problem } from '../util/errors.ts'
import { jobOfRecord } from './job-answer.ts'
import type { Records } from './records/records.ts'
import type { Tracker } from './tracking/tracker.ts'
import { translateStoreErrors } from './translate-store-errors.ts'

/** A job as it is now, live or finished; undefined if it is unknown or being removed. */
export async function currentJob(tracker: Tracker, records: Records, uuid: string): Promise<Job | undefined> {
  const tracked = tracker.get(uuid)
  if (tracked) return tracked.assessment.deleted ? undefined : tracked.answer
  const record = await translateStoreErrors(() => records.read(uuid))
  if (record) return jobOfRecord(record, Date.now())
  // Another replica may have made the job a moment ago, before this one's watch delivered it.
  await tracker.look(uuid)
  const found = tracker.get(uuid)
  return found?.assessment.deleted ? undefined : found?.answer
}

/** As currentJob(); rejects with a Problem `not-found` if there is no such job. */
export async function requireJob(tracker: Tracker, records: Records, uuid: string): Promise<Job> {
  const job = await currentJob(tracker, records, uuid)
  if (!job) throw new Problem('not-found', `there is no job ${uuid}`)
  return job
}

/** As Jobs.waitForFinal. */
export async function waitForFinal(
  tracker: Tracker,
  records: Records,
  uuid: string,
  { milliseconds, signal }: { milliseconds: number; signal?: AbortSignal | undefined },
): Promise<Job | undefined> {
  const deadline = Date.now() + milliseconds
  for (;;) {
    const job = await currentJob(tracker, records, uuid)
    const left = deadline - Date.now()
    if (!job || isFinal(job.state) || left <= 0 || signal?.aborted) return job
    await nextChange(tracker, uuid, left, signal)
  }
}

async function nextChange(
  tracker: Tracker,
  uuid: string,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      end()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    const end = tracker.onChange(uuid, done)
    signal?.addEventListener('abort', done)
  })
}
