import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import { minioAccessKeys } from '../../../src/store/s3/scoped-credentials/access-keys.ts'
import type { StoreAccess } from './bucket.ts'

/** Settings of keys for one object alone. */
const unused = { publicEndpoint: '', bucket: '', prefix: '', readerCredentials: 'access-key' } as const

/** Makes a MinIO access key with a policy; it ends by itself after an hour. */
export async function accessKeyWith(
  access: StoreAccess,
  policy: string,
): Promise<{ accessKey: string; secretKey: string }> {
  const { endpoint, accessKey, secretKey } = access
  const agent = new Agent()
  try {
    const keys = minioAccessKeys({ ...unused, endpoint, region: 'us-east-1', accessKey, secretKey }, agent)
    const made = await keys.issue(randomUUID(), policy, 3600)
    return { accessKey: made.accessKeyId, secretKey: made.secretAccessKey }
  } finally {
    await agent.close()
  }
}
