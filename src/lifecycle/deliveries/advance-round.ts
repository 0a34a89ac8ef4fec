import {
  type DeliveryReason,
  type DeliveryRoundState,
  failedDelivery,
  isDeliveryOver,
  newDelivery,
} from '../../job/deliveries/delivery-answer.ts'
import type { DeliveryProgress } from '../../job/deliveries/delivery-runs.ts'
import type { DeliveryOrder } from '../../job/deliveries/delivery-target.ts'
import { isFinal } from '../../job/job.ts'
import type { JobRequest } from '../../job/request/request.ts'
import { jobKeys } from '../../result-format/job-keys.ts'
import { replaceJson } from '../../store/json-objects.ts'
import { removeListed } from '../archive/remove-listed.ts'
import { targetErrors } from './check-targets.ts'
import type { DeliveryParts } from './delivery-parts.ts'
import { type PendingRound, roundVersion } from './delivery-rounds.ts'
import { deliveryOrder } from './order-delivery.ts'

/** How a round is after a step: `waiting`: its program can't be started now. */
export type RoundStep = 'running' | 'waiting' | 'idle'

type RoundProgress = DeliveryProgress & { reason?: DeliveryReason }

/**
 * Takes a pending round one step further: its program is started, or followed, or it has ended and
 * goes with all that it had. Idempotent.
 */
export async function advanceRound(
  parts: DeliveryParts,
  pending: PendingRound,
  mayStart: boolean,
): Promise<RoundStep> {
  const { backend, store } = parts
  const { uuid, round, key } = pending
  const found = await parts.findJob(uuid)
  // Of an earlier job of the uuid, or this replica has yet to see the job's end.
  if (found !== undefined && !isFinal(found.job.state)) return 'idle'
  const order = found && deliveryOrder(found.job, found.request, parts.inputSources)
  if (found === undefined || order === undefined) {
    await backend.deliveries.end(uuid)
    // A program that ended late may have written after the removal of the job's objects.
    await removeListed(store, jobKeys.deliveries(uuid))
    await store.remove([key])
    return 'idle'
  }
  const of = { uuid, attempt: order.attempt }
  const { state, etag } = await roundVersion(store, of, round)
  if (state?.deliveries.every(isDeliveryOver)) {
    await backend.deliveries.end(uuid)
    await store.remove([key])
    return 'idle'
  }
  if (!mayStart) return 'idle'
  const progress = await progressOf(parts, pending, order, found.request)
  if (progress === undefined) return 'idle'
  const next = nextState(order, state, progress, Date.now())
  if (next !== undefined) {
    // Not over what the program wrote meanwhile, which the next look reads.
    await replaceJson(store, jobKeys.deliveryState(uuid, order.attempt, round), next, etag)
  }
  return progress.state === 'running' || progress.state === 'waiting' ? progress.state : 'idle'
}

/** Undefined if the job was removed meanwhile: nothing of the round is left then. */
async function progressOf(
  { backend, store, inputSources }: DeliveryParts,
  { uuid, round, key }: PendingRound,
  order: DeliveryOrder,
  request: JobRequest,
): Promise<RoundProgress | undefined> {
  const [refused] = order.targets.flatMap((target) =>
    targetErrors(target, inputSources).map((why) => ({ target, ...why })),
  )
  if (refused !== undefined) {
    await backend.deliveries.end(uuid)
    const { target, field, problem, expected } = refused
    const message = `\`${field}\` of ${target.to} ${problem}; expected ${expected}`
    return { state: 'refused', reason: 'TargetRefused', message }
  }
  const progress = await backend.deliveries.run({ uuid, number: round, request, order })
  const head = await store.head(key)
  if (head === undefined) {
    // By another replica, which may have ended the programs before this one began.
    await backend.deliveries.end(uuid)
    return undefined
  }
  const waitsUntil = head.modified.getTime() + order.timeout_seconds * 1000
  return progress.state === 'waiting' && Date.now() > waitsUntil
    ? { ...progress, state: 'refused' }
    : progress
}

/**
 * The state to be written beside the program: why it does not begin, or that it ended before its
 * work was done. Undefined if there is nothing to say. Pure.
 */
export function nextState(
  { targets }: Pick<DeliveryOrder, 'targets'>,
  state: DeliveryRoundState | undefined,
  { state: progress, message, reason = 'Interrupted' }: RoundProgress,
  now: number,
): DeliveryRoundState | undefined {
  const deliveries = state?.deliveries ?? targets.map(({ to }) => newDelivery(to))
  if (progress === 'running' || progress === 'waiting') {
    const begun = deliveries.some((one) => one.state !== 'waiting')
    if (begun || message === undefined || deliveries[0]?.message === message) return undefined
    return { version: 1, deliveries: deliveries.map((one) => ({ ...one, message })) }
  }
  const why =
    progress === 'refused' ? 'its program can not be started' : 'its program ended before it was done'
  const failed = deliveries.map((one) => {
    if (isDeliveryOver(one)) return one
    const earlier = one.message === message ? undefined : one.message
    const causes = [message, earlier].filter((cause) => cause !== undefined && cause !== null)
    return failedDelivery(one, reason, [`${one.to}: ${why}`, ...causes].join(': '), now)
  })
  return { version: 1, deliveries: failed }
}
