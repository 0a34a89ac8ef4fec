import { createHash } from 'node:crypto'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { StoreAccess } from './bucket.ts'

/**
 * Sets a bucket's hard quota in bytes, 0 for none, through
 * MinIO's admin API, which S3 clients lack.
 */
export async function setBucketQuota(access: StoreAccess, bucket: string, bytes: number): Promise<void> {
  const endpoint = new URL(access.endpoint)
  const body = JSON.stringify(bytes === 0 ? {} : { quota: bytes, size: bytes, quotatype: 'hard' })
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: { accessKeyId: access.accessKey, secretAccessKey: access.secretKey },
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
  })
  const path = '/minio/admin/v3/set-bucket-quota'
  const { headers } = await signer.sign({
    method: 'PUT',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    path,
    query: { bucket },
    headers: {
      host: endpoint.host,
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
    },
  })
  const answer = await fetch(`${endpoint.origin}${path}?bucket=${bucket}`, { method: 'PUT', headers, body })
  if (answer.status !== 200) throw new Error(`setting a quota: ${answer.status} ${await answer.text()}`)
}
