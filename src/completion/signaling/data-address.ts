import type { Flow } from './flow.ts'

/** The profile that this data plane serves: a consumer gets the data from an address of this API. */
export const httpPull = 'https://w3id.org/dspace-sig/profile/http-pull'
/** What earlier connectors' consumers take for HTTP. */
const idsaHttp = 'https://w3id.org/idsa/v4.1/HTTP'

/** As the Dataspace Protocol serializes it. */
export interface DataAddress {
  '@type': 'DataAddress'
  endpointType: string
  endpoint: string
  endpointProperties: { '@type': 'EndpointProperty'; name: string; value: string }[]
}

export interface DataAddressParts {
  endpoint: string
  accessToken: string
  /** Of the access token, from now on. */
  expiresInSeconds: number
  renewal?: { refreshToken: string; refreshEndpoint: string }
}

/** Where a flow's data are read, and with what (profiles HTTP and Token Renewal). */
export function dataAddress(flow: Pick<Flow, 'profile'>, parts: DataAddressParts): DataAddress {
  const { endpoint, accessToken, expiresInSeconds, renewal } = parts
  const properties: Record<string, string> = {
    authorization: accessToken,
    authType: 'bearer',
    expiresIn: String(expiresInSeconds),
    ...renewal,
  }
  return {
    '@type': 'DataAddress',
    endpointType: flow.profile === httpPull ? httpPull : idsaHttp,
    endpoint,
    endpointProperties: Object.entries(properties).map(([name, value]) => ({
      '@type': 'EndpointProperty',
      name,
      value,
    })),
  }
}
