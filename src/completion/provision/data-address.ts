import type { ReadAccess } from '../../artifact/s3-readers.ts'

/** The connector takes short names too, and then finds nothing where it pulls the data. */
const namespace = 'https://w3id.org/edc/v0.0.1/ns/'

export interface DataAddress {
  properties: Record<string, string>
}

/** Data that an HTTP data plane pulls with a bearer token. */
export function httpData(url: string, token: string): DataAddress {
  return addressOf({ type: 'HttpData', baseUrl: url, authKey: 'Authorization', authCode: `Bearer ${token}` })
}

/**
 * One object. `keyName` is its key for connectors before 0.5.2, `objectName` for later ones, which take `keyName` for
 * the name of a secret in their vault.
 */
export function amazonS3(access: ReadAccess): DataAddress {
  const { bucket, key, region, endpoint, accessKeyId, secretAccessKey, sessionToken } = access
  return addressOf({
    type: 'AmazonS3',
    bucketName: bucket,
    keyName: key,
    objectName: key,
    region,
    endpointOverride: endpoint,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
  })
}

function addressOf(properties: Record<string, string>): DataAddress {
  const named = Object.entries(properties).map(([name, value]) => [namespace + name, value])
  return { properties: Object.fromEntries(named) }
}
