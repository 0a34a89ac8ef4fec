import { errorOf, JobferryError } from '../errors.ts'
import { pauseFor } from './pause.ts'

export interface ClientOptions {
  /** The server's address: `http://127.0.0.1:8888`. */
  server: string
  /** Sent as `Authorization: Bearer`. */
  token?: string | undefined
  /** In place of the global fetch. */
  fetch?: typeof fetch
  /**
   * Seconds for which a call that can be repeated is tried again, while the server is away or busy.
   * Default: 60. A server that has never answered is not waited for.
   */
  patienceSeconds?: number
}

export interface Call {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  /** Makes the body anew for each attempt. */
  body?: () => string | ReadableStream<Uint8Array>
  /** Default: true for GET. */
  repeat?: boolean
  signal?: AbortSignal | undefined
}

const slowestRetryMilliseconds = 5_000
const passing = new Set([429, 502, 503, 504])

/** Sends requests to one server; makes JobferryErrors of its errors. */
export class Transport {
  readonly server: string
  readonly #token: string | undefined
  readonly #fetch: typeof fetch
  readonly #patienceSeconds: number
  #hasAnswered = false

  /** Throws a TypeError if the server's address is no http(s) URL. */
  constructor({ server, token, fetch = globalThis.fetch, patienceSeconds = 60 }: ClientOptions) {
    if (!/^https?:$/.test(new URL(server).protocol)) throw new TypeError(`${server} is no http or https URL`)
    this.server = server.replace(/\/+$/, '')
    this.#token = token
    this.#fetch = fetch
    this.#patienceSeconds = patienceSeconds
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.request(path, call)
    try {
      return (await response.json()) as T
    } catch (error) {
      const message = `${this.server}${path} did not answer with JSON`
      throw new JobferryError('unexpected-answer', message, { status: response.status, cause: error })
    }
  }

  /** Resolves with an answer of status 2xx; rejects with a JobferryError for any other. */
  async request(path: string, call: Call = {}): Promise<Response> {
    const { repeat = (call.method ?? 'GET') === 'GET', signal } = call
    const retries = this.retries(signal)
    for (;;) {
      try {
        return await this.#once(path, call)
      } catch (error) {
        if (!repeat || !(await retries.again(error))) throw error
      }
    }
  }

  /** Decides on further attempts of one piece of work. */
  retries(signal: AbortSignal | undefined): Retries {
    return new Retries(this.#patienceSeconds, signal)
  }

  async #once(path: string, { method = 'GET', headers, body, signal }: Call): Promise<Response> {
    const url = path.startsWith('http') ? path : `${this.server}${path}`
    // A link to another server must not get the token.
    if (new URL(url).origin !== new URL(this.server).origin) throw new TypeError(`${url} is elsewhere`)
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    const content = body?.()
    const init = {
      ...{ method, redirect: 'manual' as const, headers: { ...headers, ...authorization } },
      ...(content !== undefined && { body: content, duplex: 'half' }),
      ...(signal && { signal }),
    } as RequestInit
    let response: Response
    try {
      response = await this.#fetch(url, init)
    } catch (error) {
      signal?.throwIfAborted()
      throw unreachable(this.server, error, this.#hasAnswered)
    }
    this.#hasAnswered = true
    if (response.ok) return response
    throw await errorOf(response, url)
  }
}

/** Attempts at one piece of work: they end when no bytes have come for the patience's time. */
export class Retries {
  readonly #patience: number
  readonly #signal: AbortSignal | undefined
  #end: number
  #attempt = 0

  constructor(patienceSeconds: number, signal: AbortSignal | undefined) {
    this.#patience = patienceSeconds * 1000
    this.#signal = signal
    this.#end = Date.now() + this.#patience
  }

  /** Bytes have come: the patience begins anew. */
  progressed(): void {
    this.#end = Date.now() + this.#patience
    this.#attempt = 0
  }

  /** Pauses before another attempt; false if the error is permanent, or the time is over. */
  async again(error: unknown): Promise<boolean> {
    if (!(error instanceof JobferryError) || !isPassing(error) || Date.now() >= this.#end) return false
    this.#attempt += 1
    const delay = Math.min(slowestRetryMilliseconds, 100 * 2 ** this.#attempt)
    await pauseFor(Math.max(delay, (error.retryAfterSeconds ?? 0) * 1000), this.#signal)
    return true
  }
}

function isPassing({ code, status }: JobferryError): boolean {
  return code === 'interrupted' || (status !== undefined && passing.has(status))
}

function unreachable(server: string, error: unknown, hasAnswered: boolean): JobferryError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error)
  const reason = 'code' in cause && cause.message === '' ? String(cause.code) : cause.message
  const message = `${server} can not be reached: ${reason}`
  return new JobferryError(hasAnswered ? 'interrupted' : 'unreachable', message, { cause: error })
}
