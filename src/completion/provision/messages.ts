import type { DataAddress } from './data-address.ts'
import type { ProvisionRequest } from './request.ts'

type Asked = Pick<ProvisionRequest, 'generation' | 'transfer' | 'resource' | 'asset'> & {
  callbackAddress: string
}

/** Where a connector is told that something is provisioned, or no longer. */
export function callbackUrl(request: Asked, what: 'provision' | 'deprovision'): string {
  const { generation, callbackAddress, transfer, resource } = request
  const transferUrl = `${callbackAddress}/${encodeURIComponent(transfer)}`
  if (generation === 'control-plane') return `${transferUrl}/${what}`
  return `${transferUrl}/${encodeURIComponent(resource)}/${what}`
}

/**
 * What a connector is told. The control plane puts `resourceName` in the place of the address's `keyName`, and
 * refuses a null as `apiKeyJwt`.
 */
export function provisionedBody(request: Asked, address: DataAddress, resourceName: string): unknown {
  if (request.generation === 'data-plane') return { dataAddress: address }
  return {
    edctype: 'dataspaceconnector:provisioner-callback-request',
    resourceDefinitionId: request.resource,
    assetId: request.asset,
    resourceName,
    contentDataAddress: address,
    apiKeyJwt: 'unused',
    hasToken: false,
  }
}

/** The management API's call that ends a transfer, which has no other way to learn of a failure. */
export function terminateUrl(managementUrl: string, transfer: string): string {
  return `${managementUrl}/v3/transferprocesses/${encodeURIComponent(transfer)}/terminate`
}

export function terminateBody(reason: string): unknown {
  return {
    '@context': { '@vocab': 'https://w3id.org/edc/v0.0.1/ns/' },
    '@type': 'https://w3id.org/edc/v0.0.1/ns/TerminateTransfer',
    reason,
  }
}
