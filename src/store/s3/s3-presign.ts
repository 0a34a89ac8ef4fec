import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { PresignOptions } from '../store.ts'
import { encodeKey, encodeQuery } from './s3-encode.ts'
import type { S3HttpSettings } from './s3-http.ts'

/**
 * ArtifactStore.presign for the bucket at `endpoint`; `key` includes the prefix. Makes no request.
 */
export type S3Presigner = (key: string, options: PresignOptions) => Promise<string>

export function createS3Presigner(settings: Omit<S3HttpSettings, 'timeoutMs'>): S3Presigner {
  const endpoint = new URL(settings.endpoint)
  const signer = new SignatureV4({
    service: 's3',
    region: settings.region,
    credentials: settings.credentials,
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
    applyChecksum: false,
  })

  return async (key, { method, expiresSeconds, contentType, contentDisposition }) => {
    const path = `/${settings.bucket}/${encodeKey(key)}`
    const signed = await signer.presign(
      {
        method,
        protocol: endpoint.protocol,
        hostname: endpoint.hostname,
        path,
        query: {
          'response-content-type': contentType,
          'response-content-disposition': contentDisposition,
        },
        headers: { host: endpoint.host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      },
      { expiresIn: expiresSeconds },
    )
    const query = Object.entries(signed.query ?? {}).map(([name, value]) => [name, String(value)])
    return endpoint.origin + path + encodeQuery(Object.fromEntries(query))
  }
}
