import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/artifact/s3.ts'
import { type RunningMinio, startMinio } from '../../support/minio.ts'
import { flowCases } from './flows-cases.ts'

describe('on MinIO', () => {
  let minio: RunningMinio
  beforeAll(async () => {
    minio = await startMinio()
  })
  afterAll(() => minio.stop())

  flowCases(async () => {
    const store = createS3Store({
      endpoint: minio.endpoint,
      bucket: `flows-${randomUUID()}`,
      region: 'us-east-1',
      prefix: 'some/where',
      credentials: staticCredentials(minio.accessKey, minio.secretKey),
    })
    await store.prepare()
    onTestFinished(() => store.close())
    return store
  })
})
