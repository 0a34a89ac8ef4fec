import * as z from 'zod'

export const deliveryStates = ['waiting', 'delivering', 'delivered', 'failed'] as const

/** Why a delivery failed. */
export const deliveryReasons = {
  NoResult: 'The job has no result: it left none, `outputs.when` does not keep it, or it has expired.',
  TargetUnavailable:
    'The target or its Secret was not there, or not all was sent, within `upload_timeout_seconds` from the beginning.',
  TargetRefused:
    'The target refuses the keys or the request, its bucket does not exist, its address is one that Jobferry may not call, or the settings do not allow it any more.',
  TargetFull: "The target's disk or quota is full.",
  ResultDamaged: 'Bytes in the store differ from the manifest, or are gone.',
  Interrupted:
    'The program that delivers ended several times before it was done, or could not be started within `upload_timeout_seconds`.',
} as const
export type DeliveryReason = keyof typeof deliveryReasons
const reasons = Object.keys(deliveryReasons) as DeliveryReason[]

const count = z.int().min(0)

export const resultDelivery = z.strictObject({
  to: z.string().describe("The target's `to` in the request"),
  state: z.enum(deliveryStates),
  reason: z.enum(reasons).nullable().describe('Why it failed'),
  message: z.string().nullable().describe('For people: what it waits for, or why it failed'),
  files: count.describe('Files that are there'),
  bytes: count.describe('Their bytes'),
  finished_at: z.iso.datetime().nullable().describe('RFC 3339 in UTC'),
})

/** The state of one target, as callers see it. */
export type ResultDelivery = z.output<typeof resultDelivery>

/** `jobs/<uuid>/delivery/<attempt>/<round>/state.json`, in the order of the targets. */
export const deliveryRoundState = z.object({ version: z.literal(1), deliveries: z.array(resultDelivery) })
export type DeliveryRoundState = z.output<typeof deliveryRoundState>

export function newDelivery(to: string): ResultDelivery {
  return { to, state: 'waiting', reason: null, message: null, files: 0, bytes: 0, finished_at: null }
}

export function failedDelivery(
  before: ResultDelivery,
  reason: DeliveryReason,
  message: string,
  at: number,
): ResultDelivery {
  return { ...before, state: 'failed', reason, message, finished_at: new Date(at).toISOString() }
}

export function isDeliveryOver({ state }: ResultDelivery): boolean {
  return state === 'delivered' || state === 'failed'
}
