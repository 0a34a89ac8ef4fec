import { createHash } from 'node:crypto'
import * as z from 'zod'
import { invalid } from '../../errors.ts'
import { check } from '../../job/schema-errors.ts'

/**
 * What a connector asks for, in either generation: of the control plane's provision-http (to 0.15), which knows
 * transfer processes and assets, or of the data plane's (0.14 to 0.18), which knows flows alone.
 */
export interface ProvisionRequest {
  generation: 'control-plane' | 'data-plane'
  /** Connectors to 0.10 don't say it, whichever they mean. */
  type?: 'provision' | 'deprovision'
  /** `transferProcessId`, or `flowId`, which is the same process. */
  transfer: string
  /** `resourceDefinitionId`, or `provisionResourceId`. */
  resource: string
  /** Of the control plane alone. */
  asset?: string
  /** Absent where nothing is to be sent. */
  callbackAddress?: string
}

// In a path the two with dots would lead away from the callback's address.
const id = (expected: string) =>
  z
    .string(expected)
    .min(1, expected)
    .max(1000, 'at most 1000 characters')
    .refine((text) => text !== '.' && text !== '..', expected)
const common = {
  type: z.enum(['provision', 'deprovision'], '"provision" or "deprovision"').exactOptional(),
  callbackAddress: z.string('an http:// or https:// address').exactOptional(),
}
const ofControlPlane = z.object(
  {
    ...common,
    transferProcessId: id("the transfer process's id"),
    resourceDefinitionId: id("the resource definition's id"),
    assetId: id("the asset's id"),
  },
  'an object',
)
const ofDataPlane = z.object(
  { ...common, flowId: id("the flow's id"), provisionResourceId: id("the resource's id") },
  'an object',
)

/** Rejects with a Problem `invalid-request` that names each field; members that are not known here are passed over. */
export function parseProvisionRequest(value: unknown): ProvisionRequest {
  const rest = known(value)
  if ('flowId' in rest || 'provisionResourceId' in rest) {
    const { flowId, provisionResourceId, type, callbackAddress } = check(ofDataPlane, rest)
    const request = {
      generation: 'data-plane',
      type: type ?? 'provision',
      transfer: flowId,
      resource: provisionResourceId,
    } as const
    return { ...request, callbackAddress: neededAddress(callbackAddress) }
  }
  const { transferProcessId, resourceDefinitionId, assetId, type, callbackAddress } = check(
    ofControlPlane,
    rest,
  )
  const given: ProvisionRequest = {
    generation: 'control-plane',
    ...(type !== undefined && { type }),
    transfer: transferProcessId,
    resource: resourceDefinitionId,
    asset: assetId,
  }
  return type === 'deprovision' ? given : { ...given, callbackAddress: neededAddress(callbackAddress) }
}

/** The same for the same thing asked for again; of hex digits. */
export function provisionId({ generation, transfer, resource }: ProvisionRequest): string {
  const key = JSON.stringify([generation, transfer, resource])
  return createHash('sha256').update(key).digest('hex').slice(0, 32)
}

/** The members that are looked at: the others, a policy for one, may hold whatever they like. */
function known(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {}
  const names = [...Object.keys(ofControlPlane.shape), ...Object.keys(ofDataPlane.shape)]
  return Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)))
}

/** As it is called: without a slash at its end. */
function neededAddress(given: string | undefined): string {
  const expected = 'an http:// or https:// address without user, query and fragment'
  if (given === undefined) throw invalid('callbackAddress', 'is missing', expected)
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isPlain =
    url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(given)
  if (!isPlain) throw invalid('callbackAddress', 'is not allowed', expected)
  return url.href.replace(/\/+$/, '')
}
