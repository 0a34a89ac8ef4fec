import type { ArtifactStore } from '../artifact/store.ts'
import type { JobBackend } from '../job/backend.ts'
import { deletionPhase } from '../job/deletion.ts'
import type { JobRequest } from '../job/request.ts'
import type { LogArchive } from './log-archive.ts'
import { type OpenUploads, purge } from './purge.ts'
import { type JobRecord, type Records, readOrDamaged } from './records.ts'
import { announceStop } from './stored.ts'
import type { TrackedJob } from './tracked.ts'

export interface FinishParts {
  backend: JobBackend
  store: ArtifactStore
  records: Records
  logs: LogArchive
  openUploads: OpenUploads
  /** Whether who waits for the job's end was told of it. */
  isTold(): Promise<boolean>
}

/**
 * What follows a job's end, each step idempotent and in an order in which a crash loses nothing: its logs into the
 * store, then its record, then the backend may let the job go. A deleted job is removed from the store instead,
 * once nothing of it writes any more. Rejects when a step fails; it is then called again.
 */
export async function finish(parts: FinishParts, job: TrackedJob): Promise<void> {
  const { backend, store, records, openUploads } = parts
  const { uuid, request, requestSha256 } = job.live
  if (job.assessment.deleted) {
    await parts.logs.drop(uuid)
    await untilTold(parts)
    await purge(store, records, openUploads, uuid)
    await backend.discard(uuid)
    return
  }
  if (job.overdue) await endWriting(parts, job)
  const phase = deletionPhase(job.live.observation, request, Date.now())?.phase
  const mustRead = phase === undefined || phase === 'wait'
  const logs: JobRecord['logs'] = {}
  if (job.attempt !== undefined) {
    for (const container of ['worker', 'uploader'] as const) {
      const archived = await parts.logs.archive(uuid, job.attempt, container, mustRead)
      if (archived) logs[container] = archived
    }
  }
  const written = await readOrDamaged(records, uuid)
  const times = timesOf(written === 'damaged' ? undefined : written, request, Date.now())
  await records.write({ version: 1, job: job.answer, request, request_sha256: requestSha256, ...times, logs })
  await untilTold(parts)
  // One that the backend no longer has may have made room for another of its uuid.
  if (!job.givenUp) await backend.release(uuid, request.keep_seconds)
}

/** Resolves when the job's log has come to its end or counts as silent: finish() has only work to do then, no waiting. */
export async function untilFollowed(logs: LogArchive, job: TrackedJob): Promise<void> {
  const { live, attempt, overdue, assessment } = job
  if (attempt === undefined || overdue || assessment.deleted) return
  await logs.untilFollowed(live.uuid, attempt)
}

async function untilTold({ isTold }: FinishParts): Promise<void> {
  if (!(await isTold())) throw new Error('not everybody who waits for its end could be told')
}

/** A record that is written again, since a crash came before the job was let go, keeps its first one's times. */
function timesOf(
  written: JobRecord | undefined,
  { result_keep_seconds: keepSeconds }: JobRequest,
  now: number,
): Pick<JobRecord, 'ended_at' | 'expires_at'> {
  const endedAt = written === undefined ? now : Date.parse(written.ended_at)
  const expiry =
    keepSeconds === undefined ? {} : { expires_at: new Date(endedAt + keepSeconds * 1000).toISOString() }
  return { ended_at: new Date(endedAt).toISOString(), ...expiry }
}

/** Nothing waits for the attempt any more: its log is taken as it is, and an uploader that still lives is told to end. */
async function endWriting({ store, logs }: FinishParts, { live, assessment }: TrackedJob): Promise<void> {
  await logs.drop(live.uuid)
  const { cause } = assessment
  if (cause) await announceStop(store, live.uuid, { outcome: 'failed', cause, at: Date.now() })
}
