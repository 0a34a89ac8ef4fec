import type { JobBackend } from '../../job/backend.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { pendingRounds } from './delivery-rounds.ts'

/**
 * Ends the deliveries of a job that is removed; its objects in the store go with the job's others.
 * First the rounds, so that no replica starts a program of one again.
 */
export async function endDeliveries(
  { store, backend }: { store: ArtifactStore; backend: Pick<JobBackend, 'deliveries'> },
  uuid: string,
): Promise<void> {
  const pending = await pendingRounds(store, uuid)
  if (pending.length === 0) return
  await store.remove(pending.map(({ key }) => key))
  await backend.deliveries.end(uuid)
}
