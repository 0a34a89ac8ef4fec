import { Problem } from '../errors.ts'
import { isFinal, type Job } from '../job/job.ts'
import { recordedAnswer } from './job-answer.ts'
import type { Records } from './records.ts'
import { guarded } from './store-guard.ts'
import type { Tracker } from './tracker.ts'

/** A job as it is now, live or finished; undefined for one that is unknown or is being removed. */
export async function currentJob(tracker: Tracker, records: Records, uuid: string): Promise<Job | undefined> {
  const tracked = tracker.get(uuid)
  if (tracked) return tracked.assessment.deleted ? undefined : tracked.answer
  const record = await guarded(() => records.read(uuid))
  if (record) return recordedAnswer(record, Date.now())
  // With several replicas the caller may come here straight from the one that made it.
  await tracker.look(uuid)
  const found = tracker.get(uuid)
  return found?.assessment.deleted ? undefined : found?.answer
}

/** As currentJob(); rejects `not-found` where there is none. */
export async function knownJob(tracker: Tracker, records: Records, uuid: string): Promise<Job> {
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
