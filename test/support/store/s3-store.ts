import { createS3Store, type S3Settings, staticCredentials } from '../../../src/store/s3/s3.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import type { StoreAccess } from './bucket.ts'

/** Opens a bucket as an ArtifactStore with the store's own key. */
export function s3Store(
  { endpoint, accessKey, secretKey }: StoreAccess,
  bucket: string,
  more: Partial<S3Settings> = {},
): ArtifactStore {
  const credentials = staticCredentials(accessKey, secretKey)
  return createS3Store({ endpoint, bucket, region: 'us-east-1', prefix: '', credentials, ...more })
}
