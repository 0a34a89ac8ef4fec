import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node'
import { Agent, type Dispatcher, request } from 'undici'
import { backoff } from '../../../util/backoff.ts'
import { ConnectionError, StatusError } from './status-error.ts'

/**
 * Upper bound for a call with all its tries, for a stream's first byte, and for a gap between
 * bytes.
 */
const timeoutMilliseconds = 15_000
/**
 * A kept connection may be dead without an error: a first try that can be repeated ends this early.
 */
const firstTryMilliseconds = 5_000
/** After that time, new connections read credentials and certificates again. */
const dispatcherMilliseconds = 300_000
const tries = 3
const retryDelay = backoff({ first: 400, max: 1600, factor: 4, jitter: 0.5 })

export interface ApiCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** `application/json` by default. */
  contentType?: string
  accept?: string
  /** A stream that may be silent for long: a watch, a log that is followed. */
  endless?: boolean
  signal?: AbortSignal
}

/**
 * Calls of the Kubernetes API as JSON. client-node reads the configuration and does the
 * authentication; its own calls are not used because 2.0.1 makes an HTTP agent, and so a TLS
 * handshake, for each call.
 */
export interface Client {
  readonly server: string
  /**
   * The answer's body. Rejects with StatusError, or with ConnectionError if no complete answer
   * came.
   */
  call(call: ApiCall): Promise<unknown>
  /**
   * The answer's body as it comes, for as long as it takes; `signal` ends it. Rejects as call()
   * does.
   */
  stream(call: ApiCall): Promise<Readable>
  /** Aborts calls and streams. */
  close(): Promise<void>
}

export function createClient(config: KubeConfig): Client {
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error('The kubeconfig names no cluster for its current context.')
  refuseHttp2(config)
  const connections = createConnections(config)

  const closing = new AbortController()

  const send = async (call: ApiCall, signal: AbortSignal, bodyTimeout: number) => {
    const url = urlOf(server, call)
    const { dispatcher, headers } = await connections.prepare(url)
    const answer = await request(url, {
      method: call.method,
      dispatcher,
      headers: {
        ...headers,
        accept: call.accept ?? 'application/json',
        ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      headersTimeout: timeoutMilliseconds,
      bodyTimeout,
      signal,
    })
    if (answer.statusCode < 300) return answer.body
    throw StatusError.of(answer.statusCode, answer.headers['retry-after'], await answer.body.text())
  }

  const ended = (call: ApiCall) => AbortSignal.any([closing.signal, ...(call.signal ? [call.signal] : [])])

  async function call(one: ApiCall): Promise<unknown> {
    const signal = AbortSignal.any([ended(one), AbortSignal.timeout(timeoutMilliseconds)])
    return await retrying(one, signal, async (isFirst) => {
      const early = isFirst && isRepeatable(one) ? [AbortSignal.timeout(firstTryMilliseconds)] : []
      const body = await send(one, AbortSignal.any([signal, ...early]), timeoutMilliseconds)
      return JSON.parse(await body.text()) as unknown
    })
  }

  async function stream(one: ApiCall): Promise<Readable> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(noAnswer()), timeoutMilliseconds)
    const signal = AbortSignal.any([ended(one), late.signal])
    try {
      return await retrying(one, signal, () => send(one, signal, one.endless ? 0 : timeoutMilliseconds))
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    server,
    call,
    stream,
    async close() {
      closing.abort(new Error('Jobferry is shutting down'))
      await connections.close()
    },
  }
}

function urlOf(server: string, { path, query = {} }: ApiCall): URL {
  const url = new URL(server + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  return url
}

/**
 * Repeats a call that the server did not process (429), or whose repetition has no further effect.
 */
async function retrying<T>(
  call: ApiCall,
  signal: AbortSignal,
  once: (isFirst: boolean) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await once(number === 1)
    } catch (error) {
      call.signal?.throwIfAborted()
      if (number === tries || signal.aborted || !isWorthRetrying(call, error)) throw failureOf(error)
    }
    await sleep(retryDelay(number))
    call.signal?.throwIfAborted()
    if (signal.aborted) throw failureOf(signal.reason)
  }
}

function failureOf(error: unknown): StatusError | ConnectionError {
  if (error instanceof StatusError) return error
  return new ConnectionError(error instanceof Error && error.name === 'TimeoutError' ? noAnswer() : error)
}

function noAnswer(): Error {
  return new Error(`no answer within ${timeoutMilliseconds / 1000} s`)
}

function isWorthRetrying(call: ApiCall, error: unknown): boolean {
  return error instanceof StatusError ? error.status === 429 : isRepeatable(call)
}

function isRepeatable({ method }: ApiCall): boolean {
  return method === 'GET' || method === 'DELETE'
}

/** Bounded, since an attempt to connect keeps the process from ending. */
const connecting = { allowH2: false, timeout: firstTryMilliseconds }

/**
 * HTTP/1.1 alone: undici sends all calls over one HTTP/2 connection, and keeps using it after it
 * has died without an error, whatever is aborted: no later call succeeds.
 */
function refuseHttp2(config: KubeConfig): void {
  const optionsOf = config.createDispatcherOptions.bind(config)
  config.createDispatcherOptions = (...parts) => {
    const options = optionsOf(...parts)
    if (options.type === 'none') return options
    if (options.type === 'agent') return { ...options, connect: { ...options.connect, ...connecting } }
    const requestTls = { ...options.requestTls, ...connecting }
    return { ...options, requestTls }
  }
}

/** One dispatcher at a time, replaced regularly because certificates are renewed in place. */
function createConnections(config: KubeConfig) {
  let current: { dispatcher: Dispatcher; since: number } | undefined

  async function prepare(url: URL) {
    const context = new RequestContext(url.href, HttpMethod.GET)
    await config.applySecurityAuthentication(context)
    if (current === undefined || Date.now() - current.since > dispatcherMilliseconds) {
      // Resolves once the last answer is read: watches and followed logs go on.
      void current?.dispatcher.close().catch(() => undefined)
      current = {
        dispatcher: context.getDispatcher() ?? new Agent({ connect: connecting }),
        since: Date.now(),
      }
    }
    return { dispatcher: current.dispatcher, headers: context.getHeaders() }
  }

  async function close() {
    const last = current
    current = undefined
    await last?.dispatcher.destroy()
  }

  return { prepare, close }
}
