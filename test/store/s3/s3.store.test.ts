import { afterAll, beforeAll, describe } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { describeStore } from '../conformance/store.conformance.ts'

describe('on MinIO', () => {
  let minio: RunningMinio
  beforeAll(async () => {
    minio = await startMinio()
  })
  afterAll(() => minio.stop())

  const makeStore = (bucket: string, prefix: string) => async () => {
    const store = createS3Store({
      endpoint: minio.endpoint,
      bucket,
      region: 'us-east-1',
      prefix,
      credentials: staticCredentials(minio.accessKey, minio.secretKey),
    })
    await store.prepare()
    return { store, dispose: () => store.close() }
  }
  describeStore('a bucket', makeStore('conformance', ''))
  describeStore('a bucket below a prefix', makeStore('prefixed', 'team a/%41+'))
})
