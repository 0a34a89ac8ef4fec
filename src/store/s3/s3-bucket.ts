import http from 'node:http'
import https from 'node:https'
import type { Client } from 'minio'
import { codeOf } from '../../util/error-code.ts'
import { defined } from '../../util/objects.ts'
import { type ListedObject, type ListOptions, StoreError } from '../store.ts'
import type { S3CredentialsProvider } from './s3-credentials.ts'
import { errorOfAnswer, errorOfFailure } from './s3-errors.ts'
import { trusting } from './s3-trust.ts'

export interface S3BucketSettings {
  endpoint: string
  bucket: string
  region: string
  credentials: S3CredentialsProvider
  /** Certificates in PEM; with them, no others are accepted. */
  ca?: string | undefined
  /** Milliseconds without progress after which a request fails. */
  timeoutMs: number
}

/** Bucket operations of the API. The first call loads minio-js; the uploader never loads it. */
export interface S3Bucket {
  /** Creates the bucket if it does not exist. */
  ensure(signal?: AbortSignal): Promise<void>
  /** Objects whose key begins with `prefix`, ordered by the keys' bytes. All include S3_PREFIX. */
  list(prefix: string, options: ListOptions): AsyncIterable<ListedObject>
  /** Removes the objects in bulk; XML must be able to hold their keys. */
  remove(keys: readonly string[], signal?: AbortSignal): Promise<void>
  close(): void
}

export function createS3Bucket(settings: S3BucketSettings): S3Bucket {
  const { bucket, region } = settings
  const secure = new URL(settings.endpoint).protocol === 'https:'
  const agent = secure
    ? new https.Agent({ keepAlive: true, ...trusting(settings.ca) })
    : new http.Agent({ keepAlive: true })

  /** Creates a client for each request, with the current credentials and the caller's signal. */
  const call = async <T>(
    what: string,
    signal: AbortSignal | undefined,
    work: (client: Client) => Promise<T>,
  ) => {
    signal?.throwIfAborted()
    try {
      return await work(await connect(settings, agent, signal))
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      throw errorOfClient(`${what} ${bucket}`, error)
    }
  }

  return {
    ensure: (signal) => call('bucket', signal, (client) => ensureBucket(client, bucket, region)),

    async *list(prefix, { after, expected = pageSize, signal }) {
      let last = after ?? ''
      for (let most = Math.max(1, Math.min(expected, pageSize)); ; most = pageSize) {
        const page = await call('list', signal, (client) =>
          client.listObjectsV2Query(bucket, prefix, '', '', most, last),
        )
        for (const { name, size } of page.objects) {
          if (name === undefined) continue
          last = String(name)
          yield { key: last, size }
        }
        if (!page.isTruncated || page.objects.length === 0) return
      }
    },

    async remove(keys, signal) {
      for (let start = 0; start < keys.length; start += pageSize) {
        const page = keys.slice(start, start + pageSize)
        const refused = await call('delete', signal, (client) => client.removeObjects(bucket, page))
        const failed = refused.map(refusalOf).find(({ Code: code }) => code !== 'NoSuchKey')
        if (failed === undefined) continue
        const { Key: key, Code: code, Message: message } = failed
        throw errorOfAnswer(`delete ${bucket}/${key}`, { status: 500, code, message })
      }
    },

    close: () => agent.destroy(),
  }
}

/** S3's maximum of keys in a page of a listing and in one bulk removal. */
const pageSize = 1000

async function ensureBucket(client: Client, bucket: string, region: string): Promise<void> {
  if (await client.bucketExists(bucket)) return
  await client.makeBucket(bucket, region).catch((error: unknown) => {
    const code = codeOf(error)
    if (code !== 'BucketAlreadyOwnedByYou' && code !== 'BucketAlreadyExists') throw error
  })
}

async function connect(settings: S3BucketSettings, agent: http.Agent, signal?: AbortSignal): Promise<Client> {
  const { Client } = await import('minio')
  const { accessKeyId, secretAccessKey, sessionToken } = await settings.credentials()
  const endpoint = new URL(settings.endpoint)
  const secure = endpoint.protocol === 'https:'
  return new Client({
    endPoint: endpoint.hostname,
    port: Number(endpoint.port) || (secure ? 443 : 80),
    useSSL: secure,
    region: settings.region,
    accessKey: accessKeyId,
    secretKey: secretAccessKey,
    ...defined({ sessionToken }),
    pathStyle: true,
    transportAgent: agent,
    transport: boundedTransport(secure ? https : http, settings.timeoutMs, signal),
    // minio-js writes its retries to the console, and the callers of the store retry anyway.
    retryOptions: { disableRetry: true },
  })
}

/**
 * minio-js has neither timeouts nor signals: its caller would wait for ever on a hung connection.
 */
function boundedTransport(transport: typeof http | typeof https, timeoutMs: number, signal?: AbortSignal) {
  const start = (options: https.RequestOptions, callback?: (answer: http.IncomingMessage) => void) => {
    const bounded = { ...options, timeout: timeoutMs, ...defined({ signal }) }
    const request = transport.request(bounded, callback)
    // minio-js never reads an answer with one of these statuses; the connection would stay
    // occupied.
    request.once('response', (answer) => droppedStatuses.has(answer.statusCode ?? 0) && answer.resume())
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    return request
  }
  return { request: start as typeof http.request }
}

const droppedStatuses: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 520])

interface Refusal {
  Key?: string
  Code?: string
  Message?: string
}

/** The types of minio-js declare `{ Error: {...} }`, but it returns the inner object. */
function refusalOf(answer: RemoveObjectsAnswer): Refusal {
  return { ...answer, ...answer?.Error }
}

type RemoveObjectsAnswer = Awaited<ReturnType<Client['removeObjects']>>[number]

/**
 * minio-js puts both S3's and Node's code into `code`; an answer that it would retry has no code.
 */
function errorOfClient(what: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  const isAnswer = error instanceof Error && code !== undefined && 'amzRequestid' in error
  if (!isAnswer) return errorOfFailure(what, error)
  return errorOfAnswer(what, { status: 400, code, message: error.message })
}
