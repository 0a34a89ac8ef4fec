import type { DeliveryRoundState } from '../../job/deliveries/delivery-answer.ts'
import type { DeliveryOrder } from '../../job/deliveries/delivery-target.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { createJson, readJson } from '../../store/json-objects.ts'
import type { ArtifactStore } from '../../store/store.ts'

/** A round of a job's deliveries that is not over, as an empty object in the store. */
export interface PendingRound {
  key: string
  uuid: string
  round: number
}

/** All, or those of one job. */
export async function pendingRounds(store: ArtifactStore, uuid?: string): Promise<PendingRound[]> {
  const found: PendingRound[] = []
  for await (const { key } of store.list(`deliveries/${uuid ?? ''}`)) {
    const [, of, round] = /^deliveries\/([0-9a-f-]{36})-(\d+)$/.exec(key) ?? []
    if (of !== undefined) found.push({ key, uuid: of, round: Number(round) })
  }
  return found
}

/**
 * Writes the order first: a round that is pending has one. Idempotent; an order that is there
 * stands.
 */
export async function orderRound(
  store: ArtifactStore,
  uuid: string,
  round: number,
  order: DeliveryOrder,
): Promise<void> {
  await createJson(store, jobKeys.deliveryOrder(uuid, round), order)
  await store.put(pendingKey(uuid, round), Buffer.alloc(0))
}

/** The number of the job's last round; 0 without one. */
export async function newestRound(store: ArtifactStore, uuid: string): Promise<number> {
  let newest = 0
  const prefix = jobKeys.deliveries(uuid)
  for await (const { key } of store.list(prefix)) {
    const [, round] = /^(\d+)\/order\.json$/.exec(key.slice(prefix.length)) ?? []
    if (round !== undefined) newest = Math.max(newest, Number(round))
  }
  return newest
}

/** Undefined until its program has begun. */
export async function roundState(
  store: ArtifactStore,
  uuid: string,
  round: number,
): Promise<DeliveryRoundState | undefined> {
  return (await readJson(store, jobKeys.deliveryState(uuid, round))) as DeliveryRoundState | undefined
}

function pendingKey(uuid: string, round: number): string {
  return `deliveries/${uuid}-${String(round).padStart(6, '0')}`
}
