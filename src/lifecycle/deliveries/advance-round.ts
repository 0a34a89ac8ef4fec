import {
  type DeliveryRoundState,
  failedDelivery,
  isDeliveryOver,
  newDelivery,
} from '../../job/deliveries/delivery-answer.ts'
import type { DeliveryProgress } from '../../job/deliveries/delivery-runs.ts'
import type { DeliveryOrder } from '../../job/deliveries/delivery-target.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { readJson, readVersion, replaceJson } from '../../store/json-objects.ts'
import { removeListed } from '../archive/remove-listed.ts'
import type { DeliveryParts } from './delivery-parts.ts'
import type { PendingRound } from './delivery-rounds.ts'

/**
 * Takes a pending round one step further: its program is started, or followed, or it has ended and
 * goes with all that it had. Idempotent. Resolves with whether its program runs.
 */
export async function advanceRound(
  parts: DeliveryParts,
  pending: PendingRound,
  mayStart: boolean,
): Promise<boolean> {
  const { backend, store } = parts
  const { uuid, round, key } = pending
  const job = await parts.findJob(uuid)
  const version = await readVersion(store, jobKeys.deliveryState(uuid, round))
  const state = version?.value as DeliveryRoundState | undefined
  if (job === undefined || state?.deliveries.every(isDeliveryOver)) {
    await backend.deliveries.end(uuid)
    // A program that ended late may have written after the removal of the job's objects.
    if (job === undefined) await removeListed(store, jobKeys.deliveries(uuid))
    await store.remove([key])
    return false
  }
  if (!mayStart) return false
  const order = (await readJson(store, jobKeys.deliveryOrder(uuid, round))) as DeliveryOrder
  const progress = await backend.deliveries.run({
    ...{ uuid, number: round, request: job.request, timeoutSeconds: order.timeout_seconds },
    secrets: [...new Set(order.targets.map(({ secret }) => secret))].sort(),
  })
  const next = nextState(order, state, progress, Date.now())
  if (next !== undefined) {
    // Not over what the program wrote meanwhile, which the next look reads.
    await replaceJson(store, jobKeys.deliveryState(uuid, round), next, version?.etag)
  }
  return progress.state === 'running'
}

/**
 * The state to be written beside the program: why it does not begin, or that it ended before its
 * work was done. Undefined if there is nothing to say. Pure.
 */
export function nextState(
  { targets }: Pick<DeliveryOrder, 'targets'>,
  state: DeliveryRoundState | undefined,
  { state: progress, message }: DeliveryProgress,
  now: number,
): DeliveryRoundState | undefined {
  const deliveries = state?.deliveries ?? targets.map(({ to }) => newDelivery(to))
  if (progress === 'running') {
    const begun = deliveries.some((one) => one.state !== 'waiting')
    if (begun || message === undefined || deliveries[0]?.message === message) return undefined
    return { version: 1, deliveries: deliveries.map((one) => ({ ...one, message })) }
  }
  const why =
    progress === 'refused' ? 'its program can not be started' : 'its program ended before it was done'
  const failed = deliveries.map((one) => {
    if (isDeliveryOver(one)) return one
    const causes = [message, one.message].filter((cause) => cause !== undefined && cause !== null)
    return failedDelivery(one, 'Interrupted', [`${one.to}: ${why}`, ...causes].join(': '), now)
  })
  return { version: 1, deliveries: failed }
}
