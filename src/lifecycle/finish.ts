import type { ArtifactStore } from '../artifact/store.ts'
import type { JobBackend } from '../job/backend.ts'
import type { LogArchive } from './log-archive.ts'
import { type OpenUploads, purge } from './purge.ts'
import type { JobRecord, Records } from './records.ts'
import type { TrackedJob } from './tracked.ts'

export interface FinishParts {
  backend: JobBackend
  store: ArtifactStore
  records: Records
  logs: LogArchive
  openUploads: OpenUploads
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
    await purge(store, records, openUploads, uuid)
    await backend.discard(uuid)
    return
  }
  const logs: JobRecord['logs'] = {}
  if (job.attempt !== undefined) {
    for (const container of ['worker', 'uploader'] as const) {
      const archived = await parts.logs.archive(uuid, job.attempt, container)
      if (archived) logs[container] = archived
    }
  }
  await records.write({ version: 1, job: job.answer, request, request_sha256: requestSha256, logs })
  await backend.release(uuid, request.keep_seconds)
}
