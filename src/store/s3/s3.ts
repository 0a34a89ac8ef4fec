import { randomUUID } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { defined } from '../../util/objects.ts'
import { crc32Base64 } from '../crc32.ts'
import type { ArtifactStore, ListedObject, ListOptions, PresignOptions, WriteOptions } from '../store.ts'
import { StoreError } from '../store.ts'
import { checkKey, checkPrefix } from '../store-key.ts'
import { createS3Bucket, type S3Bucket } from './s3-bucket.ts'
import type { S3CredentialsProvider } from './s3-credentials.ts'
import { getObject, headObject, relayObject } from './s3-get.ts'
import { createS3Http, type S3Http } from './s3-http.ts'
import { createS3Presigner } from './s3-presign.ts'
import {
  abortMultipartUpload,
  abortMultipartUploads,
  completeMultipartUpload,
  conditionOf,
  createMultipartUpload,
  etagOf,
  uploadPart,
} from './s3-upload.ts'

export { credentialsFromDirectory, staticCredentials } from './s3-credentials.ts'

export interface S3Settings {
  /** `http://127.0.0.1:9000`, without a path; the bucket is addressed by path. */
  endpoint: string
  bucket: string
  region: string
  /** S3_PREFIX: precedes every key; a `/` is added if it does not end in one. */
  prefix: string
  credentials: S3CredentialsProvider
  /** Certificates in PEM; with them, no others are accepted from the store. */
  ca?: string | undefined
  /** Signs also the bodies of parts that readers check by a digest. */
  signParts?: boolean | undefined
  /** Finds the address for all but relay() and the bucket's operations; default: the system's. */
  lookup?: LookupFunction | undefined
  /** Milliseconds without progress after which a request fails as `unavailable`; default 30,000. */
  timeoutMs?: number
  /** The store's endpoint for clients, in presigned URLs; without it the store has no presign(). */
  publicEndpoint?: string | undefined
}

/**
 * An S3 bucket. The uploader needs only GetObject, PutObject and AbortMultipartUpload on its keys.
 */
export function createS3Store(settings: S3Settings): ArtifactStore {
  const endpoint = new URL(settings.endpoint)
  const prefix = settings.prefix.replace(/^\/+|\/+$/g, '').replace(/.$/u, '$&/')
  const http = createS3Http(settings)
  const bucket = createS3Bucket({ ...settings, timeoutMs: settings.timeoutMs ?? 30_000 })
  const full = (key: string) => {
    checkKey(prefix + key)
    checkListable(key)
    return prefix + key
  }
  const inBucket = <T extends { key: string; id: string }>(upload: T) => ({
    ...upload,
    key: full(upload.key),
  })

  const presigned = (reached: Omit<S3Settings, 'prefix'>) => {
    const presign = createS3Presigner(reached)
    return async (key: string, options: PresignOptions) => presign(full(key), options)
  }

  const store: ArtifactStore = {
    name: `s3 ${endpoint.origin}/${settings.bucket}${prefix === '' ? '' : `/${prefix}`}`,

    prepare: (signal) => prove(store, bucket, signal),

    put: async (key, body, signal, options) => putObject(http, full(key), body, signal, options),

    get: async (key, options = {}) => getObject(http, full(key), options),

    relay: async (key, sinkFor, options = {}) => relayObject(http, full(key), sinkFor, options),

    head: async (key, signal) => headObject(http, full(key), signal),

    list: (wanted, options) => listBelow(bucket, prefix, wanted, options),

    remove: async (keys, signal) => removeObjects(http, bucket, keys.map(full), signal),

    createUpload: uploadCreator(http, full),

    putPart: async (upload, number, body, signal, options) =>
      uploadPart(http, inBucket(upload), number, body, signal, options),

    completeUpload: async (upload, parts, signal, options) => {
      if (parts.length === 0) throw new StoreError('invalid', `${upload.key}: an upload without parts`)
      return completeMultipartUpload(http, inBucket(upload), parts, signal, options)
    },

    abortUpload: async (upload, signal) => abortMultipartUpload(http, inBucket(upload), signal),

    abortUploads: async (key, signal) => abortMultipartUploads(http, full(key), signal),

    ...(settings.publicEndpoint !== undefined && {
      presign: presigned({ ...settings, endpoint: settings.publicEndpoint }),
    }),

    close: async () => {
      bucket.close()
      await http.close()
    },
  }
  return store
}

async function putObject(
  http: S3Http,
  key: string,
  body: Uint8Array,
  signal?: AbortSignal,
  options?: WriteOptions,
) {
  const headers = { 'x-amz-checksum-crc32': crc32Base64(body), ...conditionOf(options) }
  const answer = await http.call({ method: 'PUT', key, headers, body, sha256: options?.sha256, signal })
  return { etag: etagOf(answer.header('etag'), `PUT ${key}`) }
}

async function* listBelow(
  bucket: S3Bucket,
  prefix: string,
  wanted: string,
  { after, ...others }: ListOptions = {},
): AsyncGenerator<ListedObject> {
  checkPrefix(prefix + wanted)
  const options = { ...others, ...(after && { after: prefix + after }) }
  for await (const { key, size } of bucket.list(prefix + wanted, options)) {
    yield { key: key.slice(prefix.length), size }
  }
}

/** Aborts first what a call that failed may have begun at the store nevertheless. */
function uploadCreator(http: S3Http, full: (key: string) => string): ArtifactStore['createUpload'] {
  const doubtful = new Set<string>()
  return async (key, partSize, signal) => {
    if (doubtful.has(key)) await abortMultipartUploads(http, full(key), signal)
    doubtful.add(key)
    const id = await createMultipartUpload(http, full(key), signal)
    doubtful.delete(key)
    return { key, partSize, id }
  }
}

async function removeObjects(
  http: S3Http,
  bucket: S3Bucket,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const inBulk = keys.filter((key) => !hasNoXml(key))
  await bucket.remove(inBulk, signal)
  for (const key of keys.filter(hasNoXml)) await http.call({ method: 'DELETE', key, signal })
}

/** XML 1.0 can't represent these two characters, so a bulk removal can't name such a key. */
function hasNoXml(key: string): boolean {
  return /[\uFFFE\uFFFF]/.test(key)
}

/**
 * MinIO marks folders with the suffix __XLDIR__. It stores a key with it, but lists the key under
 * another name or not at all, so that the object could never be found and removed.
 */
function checkListable(key: string): void {
  if (/__XLDIR__(\/|$)/.test(key)) {
    throw new StoreError('invalid', `the key ${JSON.stringify(key)} has a component that ends in __XLDIR__`)
  }
}

async function prove(store: ArtifactStore, bucket: S3Bucket, signal?: AbortSignal): Promise<void> {
  await bucket.ensure(signal).catch((error: unknown) => {
    // Credentials that may neither find nor create buckets may still be allowed to use this one.
    if (!(error instanceof StoreError && error.kind === 'denied')) throw error
  })
  const key = `probe/${randomUUID()}`
  const sent = Buffer.from(key)
  const { etag } = await store.put(key, sent, signal)
  const { stream } = await store.get(key, { ifMatch: etag, ...defined({ signal }) })
  if (!sent.equals(await buffer(stream)))
    throw new StoreError('corrupt', `${store.name}: ${key} came back changed`)
  await store.remove([key], signal)
}
