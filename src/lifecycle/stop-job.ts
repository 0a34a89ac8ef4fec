import type { JobBackend } from '../job/backend.ts'
import { isFinal, type Job } from '../job/job.ts'
import type { Stop } from '../job/state/observation.ts'
import type { ArtifactStore } from '../store/store.ts'
import type { KeyedMutex } from '../util/keyed-mutex.ts'
import { type OpenUploads, purge } from './archive/purge.ts'
import { requireJob } from './current-job.ts'
import { removeWithDeliveries } from './deliveries/end-deliveries.ts'
import type { Records } from './records/records.ts'
import type { Tracker } from './tracking/tracker.ts'
import { translateStoreErrors } from './translate-store-errors.ts'

export interface StopParts {
  backend: JobBackend
  store: ArtifactStore
  records: Records
  locks: KeyedMutex
  openUploads: OpenUploads
  tracker: Tracker
}

/** As Jobs.cancel. */
export async function cancelJob({ backend, records, tracker }: StopParts, uuid: string): Promise<Job> {
  const job = await requireJob(tracker, records, uuid)
  if (isFinal(job.state)) return job
  await backend.stop(uuid, stopNow('canceled', 'canceled by request'))
  return requireJob(tracker, records, uuid)
}

/** As Jobs.remove. */
export async function stopOrPurge(parts: StopParts, uuid: string): Promise<void> {
  const { backend, store, records, locks, openUploads, tracker } = parts
  const stop = () => backend.stop(uuid, stopNow('deleted', 'deleted by request'))
  // The decision is stored in the backend: a live job is removed once nothing of it writes into the
  // store.
  if (await stop()) return
  // A creation of a job of this uuid may have stored its inputs already.
  const unlock = await locks.lock(uuid)
  try {
    if (await stop()) return
    // Otherwise the record would be written after its removal.
    await tracker.dropGivenUp(uuid)
    await translateStoreErrors(async () => {
      await removeWithDeliveries(parts, uuid, () => purge(store, records, openUploads, uuid))
    })
  } finally {
    unlock()
  }
}

function stopNow(outcome: Stop['outcome'], message: string): Stop {
  return { outcome, cause: { reason: 'Canceled', message }, at: Date.now() }
}
