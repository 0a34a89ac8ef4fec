import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LocalSettings } from '../../../src/backends/local/local-settings.ts'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { s3Factory } from '../../../src/store/s3/s3-factory.ts'
import { planFor } from '../../job/backend-under-test.ts'
import { hasEnded, until } from '../../job/live-jobs.ts'
import { temporaryFolder } from '../../support/files/temporary-folder.ts'
import { objectKeys, temporaryBucket } from '../../support/store/bucket.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { shellRequest, startBackend } from './setup.ts'

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it('stores results in S3 below the prefix, byte for byte', async () => {
  const folder = temporaryFolder()
  await using bucket = await temporaryBucket(minio)
  const backend = await startBackend(folder, { store: storeIn(bucket.name, minio.secretKey) })
  const hex = randomBytes(1000).toString('hex')
  const plan = planFor(shellRequest(`printf %s ${hex} >"$RESULT_DIRECTORY/file"`))
  await backend.create(plan)
  const { observation } = await until(backend, plan.uuid, hasEnded)

  const attempt = observation.attempt?.uid ?? ''
  const keys = await objectKeys(bucket.client, bucket.name)
  expect(keys).toContain(`some/where/${jobKeys.manifest(plan.uuid, attempt)}`)
  const object = await bucket.client.getObject(
    bucket.name,
    `some/where/${jobKeys.file(plan.uuid, attempt, 'file')}`,
  )
  expect((await buffer(object)).toString()).toBe(hex)
})

it('does not start a worker whose results the store refuses, and shows the reason', async () => {
  const folder = temporaryFolder()
  await using bucket = await temporaryBucket(minio)
  const backend = await startBackend(folder, { store: storeIn(bucket.name, 'wrong-secret') })
  const plan = planFor(shellRequest('exit 0'))
  await backend.create(plan)
  const troubled = ({ observation }: { observation: { blocked?: unknown; ended?: unknown } }) =>
    observation.blocked !== undefined || observation.ended !== undefined
  const { observation } = await until(backend, plan.uuid, troubled)
  expect((observation.blocked ?? observation.ended?.cause)?.reason).toBe('StoreUnavailable')
  expect(observation.attempt?.worker.startedAt).toBeUndefined()
})

function storeIn(bucket: string, secretKey: string): LocalSettings['store'] {
  const { endpoint, accessKey } = minio
  return s3Factory.forChildren({
    ...{ endpoint, bucket, region: 'us-east-1', prefix: 'some/where', accessKey, secretKey },
  })
}
