import { createHash } from 'node:crypto'
import * as z from 'zod'
import { check } from '../../util/checks/schema-errors.ts'
import { invalid } from '../../util/errors.ts'
import { defined, isObject } from '../../util/objects.ts'

/**
 * A connector's request in either generation: provision-http of the control plane (to 0.15), with
 * transfer processes and assets, or of the data plane (0.14 to 0.18), with flows only.
 */
export interface ProvisionRequest {
  generation: 'control-plane' | 'data-plane'
  /** Missing from connectors to 0.10, for both types. */
  type?: 'provision' | 'deprovision'
  /** `transferProcessId`, or `flowId`, which is the same process. */
  transfer: string
  /** `resourceDefinitionId`, or `provisionResourceId`. */
  resource: string
  /** From control planes only. */
  asset?: string
  /** Absent if no callback is wanted. */
  callbackAddress?: string
}

// `.` and `..` in the path would lead away from the callback's address.
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
/** A request of the control plane's provision-http. */
export const ofControlPlane = z.object(
  {
    ...common,
    transferProcessId: id("the transfer process's id"),
    resourceDefinitionId: id("the resource definition's id"),
    assetId: id("the asset's id"),
  },
  'an object',
)
/** A request of the data plane's provision-http. */
export const ofDataPlane = z.object(
  { ...common, flowId: id("the flow's id"), provisionResourceId: id("the resource's id") },
  'an object',
)

/** Throws a Problem `invalid-request` that names each wrong field; unknown members are ignored. */
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
    ...defined({ type }),
    transfer: transferProcessId,
    resource: resourceDefinitionId,
    asset: assetId,
  }
  return type === 'deprovision' ? given : { ...given, callbackAddress: neededAddress(callbackAddress) }
}

/** The provision's id in hex digits; a repeated request has the same id. */
export function provisionId({ generation, transfer, resource }: ProvisionRequest): string {
  const key = JSON.stringify([generation, transfer, resource])
  return createHash('sha256').update(key).digest('hex').slice(0, 32)
}

/** The members that are checked; others, such as a policy, may have any value. */
function known(value: unknown): Record<string, unknown> {
  if (!isObject(value)) return {}
  const names = [...Object.keys(ofControlPlane.shape), ...Object.keys(ofDataPlane.shape)]
  return Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name)))
}

/** The callback address without its trailing slash. */
function neededAddress(given: string | undefined): string {
  const expected = 'an http:// or https:// address without user, query and fragment'
  if (given === undefined) throw invalid('callbackAddress', 'is missing', expected)
  const url = URL.canParse(given) ? new URL(given) : undefined
  const isPlain =
    url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !/[?#]/.test(given)
  if (!isPlain) throw invalid('callbackAddress', 'is not allowed', expected)
  return url.href.replace(/\/+$/, '')
}
