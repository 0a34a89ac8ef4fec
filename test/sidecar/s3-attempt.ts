import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { createS3Store, staticCredentials } from '../../src/store/s3/s3.ts'
import type { ArtifactStore } from '../../src/store/store.ts'
import { temporaryBucket } from '../support/store/bucket.ts'
import { type FaultProxy, startFaultProxy } from '../support/store/fault-proxy.ts'
import type { RunningMinio } from '../support/store/minio.ts'
import { expectAllStored } from './tree.ts'
import { type Attempt, getFrom, newAttempt, Uploader, writeMany } from './uploader-process.ts'

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

/** Kills the uploader at random moments while small files come, change and go: all are stored nevertheless. */
export async function expectSurvivesKills(
  made: S3Attempt,
  { rounds, mostMs }: { rounds: number; mostMs: number },
): Promise<void> {
  writeMany(made, 400, 3000)
  const uploader = await new Uploader(made).ready()
  await getFrom(made, '/stop/token')
  for (let round = 0; round < rounds; round += 1) {
    await delay(Math.random() * mostMs)
    uploader.killProgram()
    writeMany(made, 100 + round, 1000)
    rmSync(join(made.result, `d${round}`), { recursive: true })
  }
  await delay(mostMs / 2)
  expect(await uploader.terminate().exit()).toBe(0)
  await expectAllStored(made)
}
