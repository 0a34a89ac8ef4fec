import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { layout } from '../../src/artifact/layout.ts'
import type { LocalSettings } from '../../src/local/backend.ts'
import { hasEnded, planFor, until } from '../job/backend.conformance.ts'
import { objectKeys, temporaryBucket } from '../support/bucket.ts'
import { type RunningMinio, startMinio } from '../support/minio.ts'
import { shellRequest, startBackend, temporaryFolder } from './setup.ts'

let minio: RunningMinio
beforeAll(async () => {
  minio = await startMinio()
})
afterAll(() => minio.stop())

it('stores results in S3 below the prefix, byte for byte', async () => {
  const folder = await temporaryFolder()
  await using bucket = await temporaryBucket(minio)
  const backend = await startBackend(folder, { store: storeIn(bucket.name, minio.secretKey) })
  const hex = randomBytes(1000).toString('hex')
  const plan = planFor(shellRequest(`printf %s ${hex} >"$RESULT_DIRECTORY/file"`))
  await backend.create(plan)
  const { observation } = await until(backend, plan.uuid, hasEnded)

  const attempt = observation.attempt?.uid ?? ''
  const keys = await objectKeys(bucket.client, bucket.name)
  expect(keys).toContain(`some/where/${layout.manifest(plan.uuid, attempt)}`)
  const object = await bucket.client.getObject(
    bucket.name,
    `some/where/${layout.file(plan.uuid, attempt, 'file')}`,
  )
  expect((await buffer(object)).toString()).toBe(hex)
})

it('never starts a worker whose results the store would refuse, and says why', async () => {
  const folder = await temporaryFolder()
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
  return { kind: 's3', endpoint, bucket, region: 'us-east-1', prefix: 'some/where', accessKey, secretKey }
}
