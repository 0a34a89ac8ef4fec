import { randomBytes } from 'node:crypto'
import { Agent } from 'node:https'
import { Client } from 'minio'
import { given, testRun } from '../cluster/test-run.ts'

export interface StoreAccess {
  endpoint: string
  accessKey: string
  secretKey: string
  /** Certificate in PEM of the authority of an https endpoint. */
  ca?: string
}

/** Address and keys of the store that global setup provides. */
export function testStore(): StoreAccess {
  return {
    endpoint: given('S3_ENDPOINT'),
    accessKey: given('S3_ACCESS_KEY'),
    secretKey: given('S3_SECRET_KEY'),
  }
}

/** An S3 client that shares no code with the project's own client. */
export function s3Client(
  { endpoint, accessKey, secretKey, ca }: StoreAccess = testStore(),
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
    ...(ca !== undefined && { transportAgent: new Agent({ ca }) }),
    ...options,
  })
}

export interface TemporaryBucket extends AsyncDisposable {
  readonly name: string
  readonly client: Client
  /** Removes the bucket with all its objects. */
  remove(): Promise<void>
}

/** Makes an empty bucket. */
export async function temporaryBucket(access: StoreAccess = testStore()): Promise<TemporaryBucket> {
  const client = s3Client(access)
  const name = `${bucketPrefix()}${randomBytes(4).toString('hex')}`
  await client.makeBucket(name)
  const remove = () => removeBucket(client, name)
  return { name, client, remove, [Symbol.asyncDispose]: remove }
}

/** Prefix of the names of this test run's buckets. */
export function bucketPrefix(): string {
  return `test-${testRun()}-`
}

/** The keys of all objects in a bucket below `prefix`. */
export async function objectKeys(client: Client, bucket: string, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const item of client.listObjectsV2(bucket, prefix, true)) keys.push(item.name)
  return keys
}

/** Removes a bucket with all its objects, if it exists. */
export async function removeBucket(client: Client, name: string): Promise<void> {
  if (!(await client.bucketExists(name))) return
  await client.removeObjects(name, await objectKeys(client, name))
  await client.removeBucket(name)
}
