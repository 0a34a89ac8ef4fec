import type { EdcDataAddress } from './edc-data-address.ts'
import type { ProvisionRequest } from './provision-request.ts'

type Asked = Pick<ProvisionRequest, 'generation' | 'transfer' | 'resource' | 'asset'> & {
  callbackAddress: string
}

/** The callback URL for a provisioned or deprovisioned resource. */
export function callbackUrl(request: Asked, what: 'provision' | 'deprovision'): string {
  const { generation, callbackAddress, transfer, resource } = request
  const transferUrl = `${callbackAddress}/${encodeURIComponent(transfer)}`
  if (generation === 'control-plane') return `${transferUrl}/${what}`
  return `${transferUrl}/${encodeURIComponent(resource)}/${what}`
}

/**
 * The body of a connector's callback. Control planes replace the address's `keyName` by
 * `resourceName` and refuse null as `apiKeyJwt`.
 */
export function provisionedBody(request: Asked, address: EdcDataAddress, resourceName: string): unknown {
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

/** URL of the management API's call that terminates a transfer; no other call reports a failure. */
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
