import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import { defined } from '../../util/objects.ts'
import type { Sink } from '../../util/sink.ts'
import { within } from '../../util/timers.ts'
import type { StoreError } from '../store.ts'
import { type AnswerHead, createHttpRelay, SinkFailure } from './connection/http-relay.ts'
import { payloadDigest, type SignedBody, s3RequestBody } from './s3-body.ts'
import type { S3CredentialsProvider } from './s3-credentials.ts'
import { encodeKey, encodeQuery } from './s3-encode.ts'
import { errorOfAnswer, errorOfFailure } from './s3-errors.ts'
import { exchange } from './s3-exchange.ts'
import { createS3Signer } from './s3-signer.ts'
import { trusting } from './s3-trust.ts'
import { elementText } from './s3-xml.ts'

export interface S3HttpSettings {
  /** `http://127.0.0.1:9000`, without a path. */
  endpoint: string
  bucket: string
  region: string
  credentials: S3CredentialsProvider
  /** Certificates in PEM; with them, no others are accepted. */
  ca?: string | undefined
  /** Signs also the bodies of parts that readers check by a digest. */
  signParts?: boolean | undefined
  /** Finds the address for all but relay(); default: the system's. */
  lookup?: LookupFunction | undefined
  /** Milliseconds without progress after which a request fails; default 30,000. */
  timeoutMs?: number
}

/** One request to the bucket; `key` includes the prefix, or is empty for the bucket itself. */
export interface S3Request extends SignedBody {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  key: string
  query?: Record<string, string>
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

export interface S3Answer {
  status: number
  header(name: string): string | undefined
  body: Dispatcher.ResponseData['body']
  /** The whole body. Rejects with StoreError if it is cut short. */
  text(): Promise<string>
}

export interface S3ShortAnswer {
  header(name: string): string | undefined
  text: string
}

export interface S3Http {
  /** Rejects with StoreError for any answer but 2xx and for any failure of the network. */
  send(request: S3Request): Promise<S3Answer>
  /** As send(), for a request with a short answer, which it reads whole. */
  call(request: S3Request): Promise<S3ShortAnswer>
  /**
   * As send(), for a GET whose long body goes to the sink that `sinkFor` returns. Resolves with
   * false if it passed nothing on: TLS, an answer other than 2xx, or one without a length. The
   * caller then uses send().
   */
  relay(request: S3Request, sinkFor: (answer: AnswerHead) => Sink): Promise<boolean>
  close(): Promise<void>
}

/**
 * Buffered bytes after which a connection, and its answer's stream, stop reading: after one read of
 * up to 64 KiB instead of two, as with Node's default. Buffers for slow readers outlive small
 * collections.
 */
const aheadBytes = 16 * 1024

/**
 * Requests signed with SigV4 over kept-alive connections. The signature covers the body: a worker
 * beside the uploader can alter no request over plain HTTP.
 */
export function createS3Http(settings: S3HttpSettings): S3Http {
  const endpoint = new URL(settings.endpoint)
  const timeout = settings.timeoutMs ?? 30_000
  const agent = createAgent(settings, timeout)
  const relay = createHttpRelay(endpoint, timeout)
  const sign = createS3Signer(settings.region, settings.credentials)

  const signed = (asked: S3Request) => signedRequest(endpoint, settings, sign, asked)
  const tried = <T>(asked: S3Request, work: (name: string) => Promise<T>) => {
    const name = `${asked.method} ${settings.bucket}/${asked.key}`
    return withStoreErrors(name, asked.signal, () => work(name))
  }

  const send = (asked: S3Request) =>
    tried(asked, async (name) => {
      const answer = await agent.request({
        ...(await signed(asked)),
        highWaterMark: aheadBytes,
        signal: asked.signal ?? null,
      })
      return checked(name, answer)
    })

  const call = (asked: S3Request) =>
    tried(asked, async (name) => {
      const { status, headers, text } = await exchange(agent, await signed(asked), asked.signal)
      const header = (wanted: string) => first(headers[wanted])
      if (status >= 300) throw refusal(name, { status, header, xml: text })
      return { header, text }
    })

  const relayAnswer = (asked: S3Request, sinkFor: (answer: AnswerHead) => Sink) =>
    tried(asked, async () => {
      // Node delivers TLS data record by record in separate memory: one reused buffer gains
      // nothing.
      if (endpoint.protocol === 'https:') return false
      const { path, headers } = await signed(asked)
      return await relay.get({ path, headers, signal: asked.signal }, (answer) =>
        answer.status < 300 ? sinkFor(answer) : undefined,
      )
    })

  const close = async () => {
    await closeSoon(agent)
    relay.close()
  }
  return { send, call, relay: relayAnswer, close }
}

function createAgent({ ca, lookup }: S3HttpSettings, timeout: number): Agent {
  // The types of undici omit the socket's own options; hence no object literal in the call.
  const connect = {
    timeout: Math.min(timeout, 10_000),
    highWaterMark: aheadBytes,
    ...trusting(ca),
    ...defined({ lookup }),
  }
  return new Agent({
    // HTTP/2 would send all parts in flight over one connection.
    allowH2: false,
    pipelining: 1,
    connect,
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
}

async function signedRequest(
  { protocol, hostname, host, origin }: URL,
  { bucket, signParts = false }: Pick<S3HttpSettings, 'bucket' | 'signParts'>,
  sign: ReturnType<typeof createS3Signer>,
  asked: S3Request,
) {
  asked.signal?.throwIfAborted()
  const { method, body, query = {} } = asked
  const path = `/${bucket}/${encodeKey(asked.key)}`
  const headers = { ...asked.headers, host }
  const payload = await payloadDigest(asked, protocol === 'https:', signParts)
  return {
    // Origin and path stay separate: URL would resolve dot segments, even encoded ones.
    origin,
    path: path + encodeQuery(query),
    method,
    headers: withLength(await sign({ method, protocol, hostname, path, query, headers, ...payload }), asked),
    body: body === undefined ? null : s3RequestBody(body),
  }
}

/**
 * The result of `work`; its errors become StoreErrors with the call's name, but for the caller's
 * own.
 */
async function withStoreErrors<T>(
  name: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (error instanceof SinkFailure) throw error.cause
    throw errorOfFailure(name, error)
  }
}

/** Lets requests in flight end, within closeMs: an answer that is not read would block for ever. */
async function closeSoon(agent: Agent): Promise<void> {
  await within(closeMs, agent.close())
  await agent.destroy()
}

const closeMs = 2000

/** The successful answer; any other answer is read and thrown as a StoreError. */
async function checked(name: string, answer: Dispatcher.ResponseData): Promise<S3Answer> {
  const { statusCode: status, headers, body } = answer
  const text = async () => {
    try {
      return await body.text()
    } catch (error) {
      throw errorOfFailure(name, error)
    }
  }
  const header = (wanted: string) => first(headers[wanted])
  if (status >= 300) throw refusal(name, { status, header, xml: await text() })
  return { status, header, body, text }
}

function refusal(
  name: string,
  { status, header, xml }: Pick<S3Answer, 'status' | 'header'> & { xml: string },
): StoreError {
  const message = elementText(xml, 'Message') ?? header('x-minio-error-desc')
  return errorOfAnswer(name, {
    status,
    bodyless: name.startsWith('HEAD '),
    code: elementText(xml, 'Code') ?? header('x-minio-error-code'),
    message: message?.slice(0, longestMessage),
  })
}

/** The message may become a file's error in the manifest, whose lines have a maximum length. */
const longestMessage = 1000

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function withLength(headers: Record<string, string>, asked: S3Request): Record<string, string> {
  if (asked.body === undefined) return headers
  return { ...headers, 'content-length': String(asked.body.byteLength) }
}
