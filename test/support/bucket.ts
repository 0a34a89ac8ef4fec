import { randomBytes } from 'node:crypto'
import { Client } from 'minio'
import { given, testRun } from './test-run.ts'

export interface StoreAccess {
  endpoint: string
  accessKey: string
  secretKey: string
}

/** The store that global setup found or started. */
export function testStore(): StoreAccess {
  return {
    endpoint: given('S3_ENDPOINT'),
    accessKey: given('S3_ACCESS_KEY'),
    secretKey: given('S3_SECRET_KEY'),
  }
}

/** A client that shares no code with the project's own: what it reads is what stands in the store. */
export function s3Client(
  { endpoint, accessKey, secretKey }: StoreAccess = testStore(),
  options: { partSize?: number; sessionToken?: string } = {},
): Client {
  const { hostname, port, protocol } = new URL(endpoint)
  const useSSL = protocol === 'https:'
  return new Client({
    endPoint: hostname,
    port: Number(port) || (useSSL ? 443 : 80),
    useSSL,
    accessKey,
    secretKey,
    ...options,
  })
}

export interface TemporaryBucket extends AsyncDisposable {
  readonly name: string
  readonly client: Client
  /** Removes it with every object in it. */
  remove(): Promise<void>
}

/** An empty bucket of the caller's own. */
export async function temporaryBucket(access: StoreAccess = testStore()): Promise<TemporaryBucket> {
  const client = s3Client(access)
  const name = `${bucketPrefix()}${randomBytes(4).toString('hex')}`
  await client.makeBucket(name)
  const remove = () => removeBucket(client, name)
  return { name, client, remove, [Symbol.asyncDispose]: remove }
}

/** What the names of this run's buckets begin with. */
export function bucketPrefix(): string {
  return `test-${testRun()}-`
}

/** The keys of all objects in a bucket. */
export async function objectKeys(client: Client, bucket: string, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const item of client.listObjectsV2(bucket, prefix, true)) keys.push(item.name)
  return keys
}

/** With every object in it; nothing where it isn't there. */
export async function removeBucket(client: Client, name: string): Promise<void> {
  if (!(await client.bucketExists(name))) return
  await client.removeObjects(name, await objectKeys(client, name))
  await client.removeBucket(name)
}
