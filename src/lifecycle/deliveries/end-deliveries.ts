import type { JobBackend } from '../../job/backend.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import type { ArtifactStore } from '../../store/store.ts'
import { removeListed } from '../archive/remove-listed.ts'
import { pendingRounds } from './delivery-rounds.ts'

/**
 * Removes a job from the store by `purge`, and its deliveries before and after it. The pending rounds
 * go last: with one of them the leader ends what a killed process leaves. Idempotent.
 */
export async function removeWithDeliveries(
  { store, backend }: { store: ArtifactStore; backend: Pick<JobBackend, 'deliveries'> },
  uuid: string,
  purge: () => Promise<unknown>,
): Promise<void> {
  const pending = await pendingRounds(store, uuid)
  if (pending.length > 0) await backend.deliveries.end(uuid)
  await purge()
  if (pending.length === 0) return
  await store.remove(pending.map(({ key }) => key))
  // A leader elsewhere may have started one meanwhile; from now on it sees that the round is gone.
  await backend.deliveries.end(uuid)
  await removeListed(store, jobKeys.deliveries(uuid))
}
