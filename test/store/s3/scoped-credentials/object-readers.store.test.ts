import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ObjectReaders, ReadAccess } from '../../../../src/store/read-access.ts'
import { createS3Store } from '../../../../src/store/s3/s3.ts'
import { staticCredentials } from '../../../../src/store/s3/s3-credentials.ts'
import { createObjectReaders } from '../../../../src/store/s3/scoped-credentials/object-readers.ts'
import type { ArtifactStore } from '../../../../src/store/store.ts'
import { defined } from '../../../../src/util/objects.ts'
import { s3Client } from '../../../support/store/bucket.ts'
import { type RunningMinio, startMinio } from '../../../support/store/minio.ts'

const bucket = 'readers'
const prefix = 'team'
/** A key that a policy would read as a variable. */
const odd = `\${aws:username}`
let minio: RunningMinio
let store: ArtifactStore

beforeAll(async () => {
  minio = await startMinio()
  const { endpoint, accessKey, secretKey } = minio
  const credentials = staticCredentials(accessKey, secretKey)
  store = createS3Store({ endpoint, bucket, region: 'us-east-1', prefix, credentials })
  await store.prepare()
  for (const key of ['a.txt', 'b.txt', 'a*', 'ax', 'a*b/c', 'ax/c', odd]) {
    await store.put(key, Buffer.from(key))
  }
})
afterAll(async () => {
  await store?.close()
  await minio?.stop()
})

function readersOf(credentials: 'access-key' | 'session', over: Partial<RunningMinio> = {}): ObjectReaders {
  const { endpoint, accessKey, secretKey } = { ...minio, ...over }
  const publicEndpoint = 'http://store.example'
  return createObjectReaders({
    endpoint,
    publicEndpoint,
    bucket,
    region: 'us-east-1',
    prefix,
    accessKey,
    secretKey,
    readerCredentials: credentials,
  })
}

/** Reads with minio-js, which shares no code with the project's S3 client. */
async function read(
  { accessKeyId, secretAccessKey, sessionToken }: ReadAccess,
  key: string,
): Promise<string> {
  const access = { endpoint: minio.endpoint, accessKey: accessKeyId, secretKey: secretAccessKey }
  const client = s3Client(access, defined({ sessionToken }))
  return await text(await client.getObject(bucket, `${prefix}/${key}`))
}

describe.each(['access-key', 'session'] as const)('credentials of the kind %s', (kind) => {
  let readers: ObjectReaders
  beforeAll(() => {
    readers = readersOf(kind)
  })
  afterAll(() => readers?.close())

  test('allow to read one object and nothing else', async () => {
    const access = await readers.allow(`one-${kind}`, 'a.txt', 3600)
    expect(access).toMatchObject({
      bucket,
      key: 'team/a.txt',
      region: 'us-east-1',
      endpoint: 'http://store.example',
    })
    expect(access.sessionToken === undefined).toBe(kind === 'access-key')
    const left = access.expiresAt.getTime() - Date.now()
    expect(left).toBeGreaterThan(3_500_000)
    expect(left).toBeLessThan(3_700_000)
    expect(await read(access, 'a.txt')).toBe('a.txt')
    await expect(read(access, 'b.txt')).rejects.toThrow('Access Denied')
    const client = s3Client({
      endpoint: minio.endpoint,
      accessKey: access.accessKeyId,
      secretKey: access.secretAccessKey,
    })
    await expect(client.putObject(bucket, `${prefix}/a.txt`, 'other')).rejects.toThrow()
    await expect(client.removeObject(bucket, `${prefix}/a.txt`)).rejects.toThrow()
    await expect(client.listObjects(bucket, prefix, true).toArray()).rejects.toThrow()
  })

  test('for a key with wildcards of policies allow that key, and at most other keys of its length', async () => {
    const access = await readers.allow(`odd-${kind}`, 'a*', 3600)
    expect(await read(access, 'a*')).toBe('a*')
    for (const key of ['a.txt', 'ax/c', 'a*b/c'])
      await expect(read(access, key), key).rejects.toThrow('Access Denied')
    const variable = await readers.allow(`variable-${kind}`, odd, 3600)
    expect(await read(variable, odd)).toBe(odd)
  })

  test('are refused as denied if the API’s own key is wrong, and as unavailable without a store', async () => {
    const wrong = readersOf(kind, { secretKey: 'another-secret' })
    await expect(wrong.allow('x', 'a.txt', 3600)).rejects.toMatchObject({ kind: 'denied' })
    await wrong.close()
    const gone = readersOf(kind, { endpoint: 'http://127.0.0.1:1' })
    await expect(gone.allow('x', 'a.txt', 3600)).rejects.toMatchObject({ kind: 'unavailable' })
    await gone.close()
  })
})

test('allow() with the same id gives the same access key, replaced each time, until it is revoked', async () => {
  const readers = readersOf('access-key')
  await readers.allow('again', 'b.txt', 3600)
  const first = await readers.allow('again', 'a.txt', 3600)
  const second = await readers.allow('again', 'a.txt', 3600)
  expect(second).toMatchObject({ accessKeyId: first.accessKeyId, secretAccessKey: first.secretAccessKey })
  expect(await read(first, 'a.txt')).toBe('a.txt')
  await readers.revoke('again')
  await readers.revoke('again')
  await expect(read(first, 'a.txt')).rejects.toThrow()
  await readers.close()
})
