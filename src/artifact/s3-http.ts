import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { Agent, type Dispatcher } from 'undici'
import type { S3CredentialsProvider } from './s3-credentials.ts'
import { errorOfAnswer, errorOfFailure } from './s3-errors.ts'
import { elementText } from './s3-xml.ts'

export interface S3HttpSettings {
  /** `http://127.0.0.1:9000`, without a path. */
  endpoint: string
  bucket: string
  region: string
  credentials: S3CredentialsProvider
  /** Milliseconds without any progress after which a request fails; 30,000. */
  timeoutMs?: number
}

/** One request to the bucket; `key` with the prefix, absent for the bucket itself. */
export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  key: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Uint8Array
  signal?: AbortSignal | undefined
}

export interface S3Answer {
  status: number
  header(name: string): string | undefined
  body: Dispatcher.ResponseData['body']
  /** The whole body. Rejects with StoreError where it is cut short. */
  text(): Promise<string>
}

export interface S3Http {
  /** Rejects with StoreError for any answer but 2xx and for anything that the network did. */
  send(request: S3Request): Promise<S3Answer>
  close(): Promise<void>
}

/** Signed requests (SigV4, payload unsigned: its CRC32 is a signed header) over kept-alive connections. */
export function createS3Http(settings: S3HttpSettings): S3Http {
  const endpoint = new URL(settings.endpoint)
  const timeout = settings.timeoutMs ?? 30_000
  const agent = new Agent({
    // HTTP/2 would put all parts in flight onto one connection.
    allowH2: false,
    pipelining: 1,
    connect: { timeout: Math.min(timeout, 10_000) },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
  const signer = new SignatureV4({
    service: 's3',
    region: settings.region,
    credentials: settings.credentials,
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
    applyChecksum: false,
  })

  const send = async (asked: S3Request): Promise<S3Answer> => {
    const name = `${asked.method} ${settings.bucket}/${asked.key}`
    asked.signal?.throwIfAborted()
    const path = `/${settings.bucket}/${encodeKey(asked.key)}`
    const signed = await signer.sign({
      method: asked.method,
      protocol: endpoint.protocol,
      hostname: endpoint.hostname,
      path,
      query: asked.query ?? {},
      headers: { ...asked.headers, host: endpoint.host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    })
    try {
      // Origin and path apart: URL would resolve dot segments, encoded ones too.
      const answer = await agent.request({
        origin: endpoint.origin,
        path: path + encodeQuery(asked.query ?? {}),
        method: asked.method,
        headers: withLength(signed.headers, asked),
        body: asked.body === undefined ? null : bodyOf(asked.body),
        signal: asked.signal ?? null,
      })
      return await checked(name, answer)
    } catch (error) {
      if (asked.signal?.aborted) throw asked.signal.reason
      throw errorOfFailure(name, error)
    }
  }

  return { send, close: () => closeSoon(agent) }
}

/** Lets what is under way end, but not for ever: an answer that nobody reads to its end would hold it. */
async function closeSoon(agent: Agent): Promise<void> {
  const bound = new AbortController()
  await Promise.race([agent.close(), sleep(closeMs, undefined, { signal: bound.signal }).catch(() => {})])
  bound.abort()
  await agent.destroy()
}

const closeMs = 2000

/** Percent-encodes every byte but the unreserved ones (RFC 3986) and `/`, as SigV4 wants the path. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeComponent).join('/')
}

/** The answer of a success; any other is read and becomes a StoreError. */
async function checked(name: string, answer: Dispatcher.ResponseData): Promise<S3Answer> {
  const { statusCode: status, headers, body } = answer
  const text = async () => {
    try {
      return await body.text()
    } catch (error) {
      throw errorOfFailure(name, error)
    }
  }
  if (status >= 300) {
    const xml = await text()
    throw errorOfAnswer(name, {
      status,
      bodyless: name.startsWith('HEAD '),
      code: elementText(xml, 'Code') ?? first(headers['x-minio-error-code']),
      message: (elementText(xml, 'Message') ?? first(headers['x-minio-error-desc']))?.slice(
        0,
        longestMessage,
      ),
    })
  }
  return { status, header: (wanted) => first(headers[wanted]), body, text }
}

/** It may become a file's error in the manifest, whose lines have a bound. */
const longestMessage = 1000

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function encodeComponent(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** With its `?`, as SigV4 wants it; empty for no parameters. */
export function encodeQuery(query: Record<string, string>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`,
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function withLength(headers: Record<string, string>, asked: S3Request): Record<string, string> {
  if (asked.body === undefined) return headers
  return { ...headers, 'content-length': String(asked.body.byteLength) }
}

/**
 * undici's timeout counts from the moment a buffer is handed to the socket, so a big one on a slow link would fail;
 * of an iterable every piece that the socket takes starts it anew.
 */
function bodyOf(body: Uint8Array): Uint8Array | Readable {
  if (body.byteLength <= pieceBytes) return body
  // undici takes any async iterable, as its documentation says; its types name only Readable.
  return pieces(body) as AsyncIterable<unknown> as Readable
}

async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.byteLength; start += pieceBytes) {
    yield body.subarray(start, start + pieceBytes)
  }
}

const pieceBytes = 256 * 1024
