import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { createHttpPuts, type ShortAnswer } from './http-puts.ts'
import { createHttpRelay, type RelayedAnswer } from './http-relay.ts'
import type { S3CredentialsProvider } from './s3-credentials.ts'
import { encodeKey, encodeQuery } from './s3-encode.ts'
import { errorOfAnswer, errorOfFailure } from './s3-errors.ts'
import { exchange } from './s3-exchange.ts'
import { createS3Signer } from './s3-signer.ts'
import { elementText } from './s3-xml.ts'
import type { StoreError } from './store.ts'
import { within } from './timers.ts'

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

export interface S3ShortAnswer {
  header(name: string): string | undefined
  text: string
}

export interface S3Http {
  /** Rejects with StoreError for any answer but 2xx and for anything that the network did. */
  send(request: S3Request): Promise<S3Answer>
  /** The same for a request whose answer is short; it is read whole. */
  call(request: S3Request): Promise<S3ShortAnswer>
  /**
   * The same as send() for a GET with a long answer that is passed on; undefined where it isn't a success with a length:
   * then send() says what it is.
   */
  relay(request: S3Request): Promise<RelayedAnswer | undefined>
  close(): Promise<void>
}

/**
 * From how many bytes on a connection, and an answer's stream behind it, take no more from the network: one read, of up
 * to 64 KiB, and not the two of Node's default. What lies in these for slow readers outlives small collections.
 */
const aheadBytes = 16 * 1024

/** Signed requests (SigV4, payload unsigned: its CRC32 is a signed header) over kept-alive connections. */
export function createS3Http(settings: S3HttpSettings): S3Http {
  const endpoint = new URL(settings.endpoint)
  const timeout = settings.timeoutMs ?? 30_000
  // undici's types leave the socket's own options out.
  const connect = { timeout: Math.min(timeout, 10_000), highWaterMark: aheadBytes }
  const agent = new Agent({
    // HTTP/2 would put all parts in flight onto one connection.
    allowH2: false,
    pipelining: 1,
    connect,
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
  const relay = createHttpRelay(endpoint, timeout)
  const puts = createHttpPuts(endpoint, timeout)
  const sign = createS3Signer(settings.region, settings.credentials)

  const signed = async (asked: S3Request) => {
    asked.signal?.throwIfAborted()
    const path = `/${settings.bucket}/${encodeKey(asked.key)}`
    const query = asked.query ?? {}
    const { method, body } = asked
    const { protocol, hostname, host, origin } = endpoint
    const headers = { ...asked.headers, host }
    return {
      // Origin and path apart: URL would resolve dot segments, encoded ones too.
      origin,
      path: path + encodeQuery(query),
      method,
      headers: withLength(await sign({ method, protocol, hostname, path, query, headers }), asked),
      body: body === undefined ? null : bodyOf(body),
    }
  }
  const tried = async <T>(asked: S3Request, work: (name: string) => Promise<T>): Promise<T> => {
    const name = `${asked.method} ${settings.bucket}/${asked.key}`
    try {
      return await work(name)
    } catch (error) {
      if (asked.signal?.aborted) throw asked.signal.reason
      throw errorOfFailure(name, error)
    }
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

  const shortAnswer = async (asked: S3Request): Promise<ShortAnswer> => {
    const { body, signal } = asked
    const request = await signed(asked)
    const answer =
      body !== undefined && isSmallPut(asked) ? await puts.put({ ...request, body, signal }) : undefined
    if (answer !== undefined) return answer
    const { status, headers, text } = await exchange(agent, request, signal)
    return { status, header: (name) => first(headers[name]), text }
  }
  const call = (asked: S3Request) =>
    tried(asked, async (name) => {
      const { status, header, text } = await shortAnswer(asked)
      if (status >= 300) throw refusal(name, { status, header, xml: text })
      return { header, text }
    })

  const relayAnswer = (asked: S3Request) =>
    tried(asked, async () => {
      // Node gives what TLS brings record by record, whoever reads it: one buffer wins nothing there.
      if (endpoint.protocol === 'https:') return undefined
      const { path, headers } = await signed(asked)
      const answer = await relay.get({ path, headers, signal: asked.signal })
      if (answer === undefined || answer.status < 300) return answer
      answer.close()
      return undefined
    })

  const close = async () => {
    await closeSoon(agent)
    relay.close()
    puts.close()
  }
  return { send, call, relay: relayAnswer, close }
}

/** Lets what is under way end, but not for ever: an answer that nobody reads to its end would hold it. */
async function closeSoon(agent: Agent): Promise<void> {
  await within(closeMs, agent.close())
  await agent.destroy()
}

const closeMs = 2000
/** Up to here it is what a request costs that counts, not its bytes. */
const smallBytes = 64 * 1024

/** One with a condition must not be sent twice unseen: its own first try would be what it meets. */
function isSmallPut({ method, headers = {}, body }: S3Request): boolean {
  if (method !== 'PUT' || body === undefined || body.byteLength > smallBytes) return false
  return headers['if-match'] === undefined && headers['if-none-match'] === undefined
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

/** It may become a file's error in the manifest, whose lines have a bound. */
const longestMessage = 1000

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
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
