import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../../src/artifact/s3.ts'
import { type RunningMinio, startMinio } from '../../support/minio.ts'
import { describeFinishedJobs } from './finished-jobs.ts'

describe('on MinIO', () => {
  let minio: RunningMinio
  beforeAll(async () => {
    minio = await startMinio()
  })
  afterAll(() => minio.stop())

  describeFinishedJobs(async () => {
    const store = createS3Store({
      endpoint: minio.endpoint,
      bucket: `janitor-${randomUUID()}`,
      region: 'us-east-1',
      prefix: 'some/where',
      credentials: staticCredentials(minio.accessKey, minio.secretKey),
    })
    await store.prepare()
    onTestFinished(() => store.close())
    return store
  })
})
