import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createS3Store } from '../../src/artifact/s3.ts'
import { staticCredentials } from '../../src/artifact/s3-credentials.ts'
import { createObjectReaders, type ObjectReaders, type ReadAccess } from '../../src/artifact/s3-readers.ts'
import type { ArtifactStore } from '../../src/artifact/store.ts'
import { s3Client } from '../support/bucket.ts'
import { type RunningMinio, startMinio } from '../support/minio.ts'

const bucket = 'readers'
const prefix = 'team'
/** A variable in policies. */
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
    credentials,
  })
}

/** Reads with a client that shares no code with the project's own. */
async function read(
  { accessKeyId, secretAccessKey, sessionToken }: ReadAccess,
  key: string,
): Promise<string> {
  const access = { endpoint: minio.endpoint, accessKey: accessKeyId, secretKey: secretAccessKey }
  const client = s3Client(access, { ...(sessionToken !== undefined && { sessionToken }) })
  return await text(await client.getObject(bucket, `${prefix}/${key}`))
}

describe.each(['access-key', 'session'] as const)('credentials of the kind %s', (kind) => {
  let readers: ObjectReaders
  beforeAll(() => {
    readers = readersOf(kind)
  })
  afterAll(() => readers?.close())

  test('read one object and nothing else', async () => {
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

  test('a name with what a policy takes for a pattern opens itself, and no more than names of its length', async () => {
    const access = await readers.allow(`odd-${kind}`, 'a*', 3600)
    expect(await read(access, 'a*')).toBe('a*')
    for (const key of ['a.txt', 'ax/c', 'a*b/c'])
      await expect(read(access, key), key).rejects.toThrow('Access Denied')
    const variable = await readers.allow(`variable-${kind}`, odd, 3600)
    expect(await read(variable, odd)).toBe(odd)
  })

  test('with a wrong key of the API’s own nothing is given, and that is said', async () => {
    const wrong = readersOf(kind, { secretKey: 'another-secret' })
    await expect(wrong.allow('x', 'a.txt', 3600)).rejects.toMatchObject({ kind: 'denied' })
    await wrong.close()
    const gone = readersOf(kind, { endpoint: 'http://127.0.0.1:1' })
    await expect(gone.allow('x', 'a.txt', 3600)).rejects.toMatchObject({ kind: 'unavailable' })
    await gone.close()
  })
})

test('who asks again gets the same access key, made anew, until it is revoked', async () => {
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
