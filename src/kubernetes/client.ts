import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node'
import { Agent, type Dispatcher, request } from 'undici'
import { ConnectionError, StatusError } from './status-error.ts'

/** How long a call may take that is no stream. */
const timeoutMilliseconds = 15_000
/** Credentials and certificates are read anew for connections made after that time. */
const dispatcherMilliseconds = 300_000
const tries = 3

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** `application/json` by default. */
  contentType?: string
  accept?: string
  signal?: AbortSignal
}

/**
 * Calls of the Kubernetes API as JSON. client-node reads the configuration and does the authentication; its own
 * calls are not used because 2.0.1 makes an HTTP agent, so a TLS handshake, for every single one.
 */
export interface Client {
  readonly server: string
  /** The answer's body. Rejects with StatusError, and with ConnectionError where there was no whole answer. */
  call(call: Call): Promise<unknown>
  /** The answer's body as it comes, without any bound on its duration; the signal ends it. Rejects as call() does. */
  stream(call: Call): Promise<Readable>
  close(): Promise<void>
}

export function createClient(config: KubeConfig): Client {
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error('The kubeconfig names no cluster for its current context.')
  const connections = createConnections(config)

  async function send(call: Call, signal: AbortSignal | undefined, streamed: boolean) {
    const url = new URL(server + call.path)
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const { dispatcher, headers } = await connections.prepare(url)
    const answer = await request(url, {
      method: call.method,
      dispatcher,
      headers: {
        ...headers,
        accept: call.accept ?? 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      body: call.body === undefined ? null : JSON.stringify(call.body),
      headersTimeout: timeoutMilliseconds,
      bodyTimeout: streamed ? 0 : timeoutMilliseconds,
      ...(signal === undefined ? {} : { signal }),
    })
    if (answer.statusCode < 300) return answer.body
    throw StatusError.of(answer.statusCode, answer.headers['retry-after'], await answer.body.text())
  }

  async function call(one: Call): Promise<unknown> {
    const timeout = AbortSignal.timeout(timeoutMilliseconds)
    const signal = one.signal === undefined ? timeout : AbortSignal.any([timeout, one.signal])
    const body = await send(one, signal, false)
    return JSON.parse(await body.text())
  }

  return {
    server,
    call: (one) => retrying(one, () => call(one)),
    stream: (one) => retrying(one, () => send(one, one.signal, true)),
    close: () => connections.close(),
  }
}

/** Again where the server didn't take the request up, or where doing it twice is the same as once. */
async function retrying<T>(call: Call, once: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number += 1) {
    try {
      return await once()
    } catch (error) {
      call.signal?.throwIfAborted()
      if (number === tries || !isWorthRetrying(call, error)) {
        throw error instanceof StatusError ? error : new ConnectionError(error)
      }
      await sleep(100 * 4 ** number * (0.5 + Math.random() / 2))
    }
  }
}

function isWorthRetrying(call: Call, error: unknown): boolean {
  if (error instanceof StatusError) return error.status === 429
  const isTimeout = error instanceof Error && error.name === 'TimeoutError'
  return !isTimeout && (call.method === 'GET' || call.method === 'DELETE')
}

/** One dispatcher at a time, replaced now and then because certificates are renewed in place. */
function createConnections(config: KubeConfig) {
  let current: { dispatcher: Dispatcher; since: number } | undefined

  async function prepare(url: URL) {
    const context = new RequestContext(url.href, HttpMethod.GET)
    await config.applySecurityAuthentication(context)
    if (current === undefined || Date.now() - current.since > dispatcherMilliseconds) {
      // Closing ends once the last answer is read: watches and followed logs go on.
      void current?.dispatcher.close().catch(() => undefined)
      current = { dispatcher: context.getDispatcher() ?? new Agent(), since: Date.now() }
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
