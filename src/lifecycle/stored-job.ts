import type { Job } from '../job/job.ts'
import type { JobRequest } from '../job/request/request.ts'
import { currentJob } from './current-job.ts'
import type { Records } from './records/records.ts'
import type { Tracker } from './tracking/tracker.ts'
import { translateStoreErrors } from './translate-store-errors.ts'

/** A job with what it was made of. */
export interface StoredJob {
  job: Job
  /** With the values of its variables blanked, and without `inputs`. */
  request: JobRequest
  /** Digest of its list of inputs; null without inputs, undefined of versions that did not keep it. */
  inputsSha256: string | null | undefined
}

/** Undefined if it is unknown or being removed. Rejects as currentJob(). */
export async function storedJob(
  tracker: Tracker,
  records: Records,
  uuid: string,
): Promise<StoredJob | undefined> {
  const job = await currentJob(tracker, records, uuid)
  if (job === undefined) return undefined
  const live = tracker.get(uuid)?.live
  if (live) return { job, request: live.request, inputsSha256: live.inputsSha256 }
  const record = await translateStoreErrors(() => records.read(uuid))
  return record && { job, request: record.request, inputsSha256: record.inputs_sha256 }
}
