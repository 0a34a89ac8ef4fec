import type { JobBackend } from '../../job/backend.ts'
import type { Job } from '../../job/job.ts'
import { logNames } from '../../job/log-name.ts'
import type { JobRequest } from '../../job/request/request.ts'
import { deletionPhase } from '../../job/state/deletion.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { defined } from '../../util/objects.ts'
import { removeWithDeliveries } from '../deliveries/end-deliveries.ts'
import { pastOf } from '../job-past.ts'
import { readValues } from '../read-values.ts'
import type { FinalRecord } from '../records/final-record.ts'
import { type Records, readOrDamaged } from '../records/records.ts'
import { announceStop } from '../tracking/actions/stored-result.ts'
import type { TrackedJob } from '../tracking/known-job.ts'
import type { LogArchive } from './log-archive.ts'
import { type OpenUploads, purge } from './purge.ts'

export interface ArchiveParts {
  backend: JobBackend
  store: ArtifactStore
  records: Records
  logs: LogArchive
  openUploads: OpenUploads
  /** Orders what the request wants delivered. */
  orderDelivery(job: Job, request: JobRequest): Promise<void>
}

/**
 * Brings the logs of a job that has ended into the store, then its record, so that a crash between
 * two steps loses nothing. Idempotent; called again after a rejection. The backend may release the
 * job after it.
 */
export async function archiveJob(parts: ArchiveParts, job: TrackedJob): Promise<void> {
  const { records } = parts
  const { request, requestSha256, inputsSha256 } = job.live
  if (job.overdue) await endWriting(parts, job)
  const phase = deletionPhase(job.live.observation, request, Date.now())?.phase
  const mustRead = phase === undefined || phase === 'wait'
  const names = logNames(request)
  const logs: FinalRecord['logs'] = {}
  if (job.attempt !== undefined) {
    for (const name of names) {
      const archived = await parts.logs.archive(job.live.uuid, job.attempt, name, mustRead)
      if (archived) logs[name] = archived
    }
  }
  await parts.logs.archiveEarlier(job.live.uuid, parts.backend.earlierAttempts(job.live.uuid), names)
  const written = await readOrDamaged(records, job.live.uuid)
  const times = timesOf(written === 'damaged' ? undefined : written, request, Date.now())
  const digests = { request_sha256: requestSha256, ...defined({ inputs_sha256: inputsSha256 }) }
  const values = await readValues(parts.store, job.answer)
  const facts = { job: job.answer, ...pastOf(job), request, ...digests, ...defined({ values }) }
  // Before the record: it is not missed after a crash.
  await parts.orderDelivery(job.answer, request)
  await records.write({ version: 1, ...facts, ...times, logs })
}

/**
 * Removes a deleted job of which nothing writes any more: from the store, then from the backend.
 * Idempotent.
 */
export async function removeJob(parts: ArchiveParts, { live: { uuid } }: TrackedJob): Promise<void> {
  const { backend, store, records, logs, openUploads } = parts
  await logs.drop(uuid)
  await removeWithDeliveries(parts, uuid, () => purge(store, records, openUploads, uuid))
  await backend.discard(uuid)
}

/**
 * Resolves when the job's log has come to its end or counts as silent, so that archiveJob() need
 * not wait for it.
 */
export async function untilFollowed(logs: LogArchive, job: TrackedJob): Promise<void> {
  const { live, attempt, overdue, assessment } = job
  if (attempt === undefined || overdue || assessment.deleted) return
  await logs.untilFollowed(live.uuid, attempt)
}

/**
 * A record that is written again, after a crash before the job's release, keeps the times of the
 * first one.
 */
function timesOf(
  written: FinalRecord | undefined,
  { result_keep_seconds: keepSeconds }: JobRequest,
  now: number,
): Pick<FinalRecord, 'ended_at' | 'expires_at'> {
  const endedAt = written === undefined ? now : Date.parse(written.ended_at)
  const expiry =
    keepSeconds === undefined ? {} : { expires_at: new Date(endedAt + keepSeconds * 1000).toISOString() }
  return { ended_at: new Date(endedAt).toISOString(), ...expiry }
}

/**
 * Of an attempt that isn't waited for any more: takes its log as it is, and tells an uploader that
 * still runs to end.
 */
async function endWriting({ store, logs }: ArchiveParts, { live, assessment }: TrackedJob): Promise<void> {
  await logs.drop(live.uuid)
  const { cause } = assessment
  if (cause) await announceStop(store, live.uuid, { outcome: 'failed', cause, at: Date.now() })
}
