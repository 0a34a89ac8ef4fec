import { type DeliveryRoundState, deliveryRoundState } from '../../job/deliveries/delivery-answer.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { createJson, readVersion } from '../../store/json-objects.ts'
import { type ArtifactStore, isPreconditionFailed } from '../../store/store.ts'

/** A round of a job's deliveries that is not over, as an empty object in the store. */
export interface PendingRound {
  key: string
  uuid: string
  round: number
}

/** Whose rounds: of an attempt, as its job may be followed by another one of the same uuid. */
export interface DeliveredAttempt {
  uuid: string
  attempt: string
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
 * Writes first that there is this round: its `order.json` says no more, since the job's own uploader
 * may write there. Idempotent; a round that is pending keeps its time.
 */
export async function orderRound(
  store: ArtifactStore,
  { uuid, attempt }: DeliveredAttempt,
  round: number,
): Promise<void> {
  await createJson(store, jobKeys.deliveryOrder(uuid, attempt, round), { version: 1 })
  const key = `deliveries/${uuid}-${String(round).padStart(6, '0')}`
  await store.put(key, Buffer.alloc(0), undefined, { ifAbsent: true }).catch((error: unknown) => {
    if (!isPreconditionFailed(error)) throw error
  })
}

/** The number of the attempt's last round; 0 without one. */
export async function newestRound(
  store: ArtifactStore,
  { uuid, attempt }: DeliveredAttempt,
): Promise<number> {
  let newest = 0
  const prefix = jobKeys.deliveryRounds(uuid, attempt)
  for await (const { key } of store.list(prefix)) {
    const [, round] = /^(\d+)\/order\.json$/.exec(key.slice(prefix.length)) ?? []
    if (round !== undefined) newest = Math.max(newest, Number(round))
  }
  return newest
}

/** Undefined until its program has begun; also if what is there is no state. */
export async function roundState(
  store: ArtifactStore,
  of: DeliveredAttempt,
  round: number,
): Promise<DeliveryRoundState | undefined> {
  return (await roundVersion(store, of, round)).state
}

/** As roundState(), with the ETag that replaceJson() takes. */
export async function roundVersion(
  store: ArtifactStore,
  { uuid, attempt }: DeliveredAttempt,
  round: number,
): Promise<{ state: DeliveryRoundState | undefined; etag: string | undefined }> {
  const version = await readVersion(store, jobKeys.deliveryState(uuid, attempt, round))
  return { state: deliveryRoundState.safeParse(version?.value).data, etag: version?.etag }
}
