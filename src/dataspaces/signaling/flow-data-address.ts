import type { Flow } from './flows/flow.ts'

/**
 * The profile that this data plane serves: a consumer gets the data from an address of this API.
 */
export const httpPull = 'https://w3id.org/dspace-sig/profile/http-pull'
/** Connectors 0.16 drop properties whose names are no IRIs. */
const edcNamespace = 'https://w3id.org/edc/v0.0.1/ns/'
/** The endpoint type that consumers of earlier connectors read as HTTP. */
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
  /** Seconds until the access token expires. */
  expiresInSeconds: number
  renewal?: { refreshToken: string; refreshEndpoint: string }
}

/**
 * The data address of a flow: URL and tokens (profiles HTTP and Token Renewal). Each property is there
 * a second time under its name in EDC's namespace.
 */
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
    endpointProperties: ['', edcNamespace].flatMap((namespace) =>
      Object.entries(properties).map(([name, value]) => ({
        '@type': 'EndpointProperty' as const,
        name: `${namespace}${name}`,
        value,
      })),
    ),
  }
}
