import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../src/store/s3/s3.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { temporaryBucket } from '../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../support/store/fault-proxy.ts'
import type { RunningMinio } from '../support/store/minio.ts'
import { manifestOf } from './stored.ts'
import { sorted, storedTree, treeOf } from './tree.ts'
import { type Attempt, newAttempt } from './uploader-process.ts'

export interface S3Attempt extends Attempt {
  store: ArtifactStore
  bucket: string
  proxy: FaultProxy
}

/** An attempt whose store is a bucket of its own, behind a proxy. */
export async function newS3Attempt(
  minio: RunningMinio,
  environment: Record<string, string> = {},
): Promise<S3Attempt> {
  const { name: bucket } = await temporaryBucket(minio)
  const proxy = await startFaultProxy(minio.endpoint)
  const made = newAttempt()
  const credentialsDirectory = join(made.root, 'credentials')
  mkdirSync(credentialsDirectory)
  writeFileSync(join(credentialsDirectory, 'access-key'), minio.accessKey)
  writeFileSync(join(credentialsDirectory, 'secret-key'), minio.secretKey)
  const store = createS3Store({
    endpoint: minio.endpoint,
    bucket,
    region: 'us-east-1',
    prefix: '',
    credentials: staticCredentials(minio.accessKey, minio.secretKey),
  })
  onTestFinished(async () => {
    await proxy.close()
    await store.close()
  })
  Object.assign(made.environment, {
    S3_ENDPOINT: proxy.url,
    S3_BUCKET: bucket,
    CREDENTIALS_DIRECTORY: credentialsDirectory,
    ...environment,
  })
  return { ...made, store, bucket, proxy }
}
export function writeMany(made: Attempt, count: number, bytes: number): void {
  for (let index = 0; index < count; index += 1) {
    const directory = join(made.result, `d${index % 10}`)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, `f${index}`), randomBytes(bytes))
  }
}

export async function expectAllStored(made: S3Attempt): Promise<void> {
  const { entries } = await manifestOf(made.store)
  expect([...(await storedTree(made.store, entries))]).toEqual(sorted(treeOf(made.result)))
}
