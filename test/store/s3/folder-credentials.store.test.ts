import { randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { jobKeys } from '../../../src/result-format/job-keys.ts'
import { ownerOf, uploadKeys } from '../../../src/result-format/upload-keys.ts'
import { createS3Store, staticCredentials } from '../../../src/store/s3/s3.ts'
import { createFolderCredentials } from '../../../src/store/s3/scoped-credentials/folder-credentials.ts'
import type { ArtifactStore } from '../../../src/store/store.ts'
import { type RunningMinio, startMinio } from '../../support/store/minio.ts'
import { expectKind } from '../conformance/suite.ts'

const [job, other] = ['11111111-2222-8333-8444-555555555555', '11111111-2222-8333-8444-666666666666']
const reading = '11111111-2222-8333-8444-777777777777'
const partSize = 5 * 1024 * 1024

let minio: RunningMinio
let owner: ArtifactStore
beforeAll(async () => {
  minio = await startMinio()
  owner = storeWith(minio.accessKey, minio.secretKey)
  await owner.prepare()
})
afterAll(async () => {
  await owner.close()
  await minio.stop()
})

it('a job’s key reads and writes in its own folder, and nowhere else', async () => {
  const credentials = newCredentials()
  const store = storeOf(await credentials.issue(`jobs/${job}/`))
  await store.put(`jobs/${job}/a/files/x`, Buffer.from('own'), undefined, { ifAbsent: true })
  expect(String(await buffer((await store.get(`jobs/${job}/a/files/x`)).stream))).toBe('own')
  expect(await store.head(`jobs/${job}/stop`)).toBeUndefined()
  const upload = await store.createUpload(`jobs/${job}/a/files/parts`, partSize)
  await store.completeUpload(upload, [await store.putPart(upload, 1, Buffer.from('part'))])
  await store.abortUpload(await store.createUpload(`jobs/${job}/a/files/dropped`, partSize))

  await owner.put(`jobs/${other}/a/files/x`, Buffer.from('another'))
  await owner.put('index/x', Buffer.from('index'))
  for (const key of [`jobs/${other}/a/files/x`, 'index/x', `jobs/${job}0/x`, 'jobs/x']) {
    await expectKind(store.get(key), 'denied')
    await expectKind(store.put(key, Buffer.from('evil')), 'denied')
    await expectKind(store.createUpload(key, partSize), 'denied')
  }
  await expectKind(store.remove([`jobs/${job}/a/files/x`]), 'denied')
  await expectKind(store.list(`jobs/${job}/`)[Symbol.asyncIterator]().next(), 'denied')
})

it('a job’s key also reads the result that its inputs name, and nothing else of that job', async () => {
  const result = jobKeys.file(other, 'a', '')
  const manifest = jobKeys.manifest(other, 'a')
  const named = [`${result}x`, manifest]
  const unnamed = [
    jobKeys.record(other),
    jobKeys.log(other, 'a', 'worker'),
    jobKeys.inputList(other, '0'),
    jobKeys.file(other, 'b', 'x'),
    jobKeys.manifest(other, 'b'),
  ]
  for (const key of [...named, ...unnamed]) await owner.put(key, Buffer.from(key))
  const store = storeOf(await newCredentials().issue(`jobs/${reading}/`, [result, manifest]))
  await store.put(`jobs/${reading}/a/files/x`, Buffer.from('own'))
  for (const key of named) expect(String(await buffer((await store.get(key)).stream))).toBe(key)
  for (const key of unnamed) await expectKind(store.get(key), 'denied')
  for (const key of [...named, ...unnamed]) await expectKind(store.put(key, Buffer.from('evil')), 'denied')
})

it('a key that reads as many results as inputs may name is within the store’s limit', async () => {
  const uuids = Array.from({ length: 8 }, () => randomUUID())
  const keys = uuids.flatMap((uuid) => [jobKeys.file(uuid, uuid, ''), jobKeys.manifest(uuid, uuid)])
  keys.push(
    ...Array.from({ length: 8 }, (_, n) => uploadKeys.content(ownerOf('alice'), String(n).padStart(16, '0'))),
  )
  for (const key of keys) await owner.put(`${key}`.replace(/\/$/, '/x'), Buffer.from('x'))
  const store = storeOf(await newCredentials().issue(`jobs/${reading}/`, keys))
  for (const key of keys) await store.get(key.replace(/\/$/, '/x')).then(({ stream }) => buffer(stream))
})

it('a repeated creation gets the same key, and a revoked one opens nothing', async () => {
  const credentials = newCredentials()
  const first = await credentials.issue(`jobs/${other}/`)
  expect(await newCredentials().issue(`jobs/${other}/`)).toEqual(first)
  const store = storeOf(first)
  await store.put(`jobs/${other}/b`, Buffer.from('b'))
  await credentials.revoke(`jobs/${other}/`)
  await credentials.revoke(`jobs/${other}/`)
  await expectKind(store.get(`jobs/${other}/b`), 'denied')
})

it('the check succeeds on a store that makes keys, and says so if it refuses', async () => {
  await newCredentials().check()
  await expectKind(newCredentials('wrong-secret').check(), 'denied')
})

function newCredentials(secretKey = minio.secretKey) {
  const { endpoint, accessKey } = minio
  const made = createFolderCredentials({
    ...{ endpoint, publicEndpoint: endpoint, bucket: 'keys', region: 'us-east-1', prefix: 'some/where' },
    ...{ accessKey, secretKey, readerCredentials: 'access-key' },
  })
  onTestFinished(() => made.close())
  return made
}

function storeOf(files: Record<string, string>): ArtifactStore {
  const store = storeWith(files['access-key'] ?? '', files['secret-key'] ?? '')
  onTestFinished(() => store.close())
  return store
}

function storeWith(accessKey: string, secretKey: string): ArtifactStore {
  return createS3Store({
    ...{ endpoint: minio.endpoint, bucket: 'keys', region: 'us-east-1', prefix: 'some/where' },
    credentials: staticCredentials(accessKey, secretKey),
  })
}
