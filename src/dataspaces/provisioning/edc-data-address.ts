import type { ReadAccess } from '../../store/read-access.ts'
import { defined } from '../../util/objects.ts'

/**
 * Needed in every name: connectors accept short names but do not find them when they pull the data.
 */
const namespace = 'https://w3id.org/edc/v0.0.1/ns/'

export interface EdcDataAddress {
  properties: Record<string, string>
}

/** Data that an HTTP data plane pulls with a bearer token. */
export function httpData(url: string, token: string): EdcDataAddress {
  return addressOf({ type: 'HttpData', baseUrl: url, authKey: 'Authorization', authCode: `Bearer ${token}` })
}

/**
 * One S3 object. Connectors before 0.5.2 read its key from `keyName`; later ones from `objectName`
 * and use `keyName` as the name of a secret in their vault.
 */
export function amazonS3(access: ReadAccess): EdcDataAddress {
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
    ...defined({ sessionToken }),
  })
}

function addressOf(properties: Record<string, string>): EdcDataAddress {
  const named = Object.entries(properties).map(([name, value]) => [namespace + name, value])
  return { properties: Object.fromEntries(named) }
}
