import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { endHeaders, endRefusal, isSameSecret, proofOfEnd } from '../../src/job/end-call.ts'
import { type Clock, systemClock } from '../../src/util/clock.ts'
import type { Log } from '../../src/util/log.ts'
import { boundedText } from '../../src/util/text/bounded-text.ts'
import { createGuardedServer } from './connection-limits.ts'
import { listenPersistently } from './listen-persistently.ts'

export interface Endpoint {
  /** Undefined when the worker may start, else the step that is awaited. */
  notReady(): string | undefined
  /** Called at each GET /stop/<token>. */
  onStop(): void
  /** Called at each valid POST /end with its body: the text of `jobs/<uuid>/stop`. */
  onEnd(text: string): void
}

export interface EndpointAccess {
  port: number
  /** The pod's UID: only a call that was signed for it is valid. */
  attempt: string
  /** The kubelet's: opens GET /stop/<token> alone. */
  preStopToken?: string | undefined
  /** Verifies POST /end (src/job/end-call.ts). */
  endKey?: string | undefined
  /** Of a pod that version 0.2 or earlier made: opens GET /stop/<token> and POST /end/<token>. */
  formerToken?: string | undefined
}

/**
 * Serves GET /ready (200, or 503 with the reason as text), GET /stop/<token>, by which the kubelet
 * says that the worker is to end soon, and POST /end, by which the API ends an upload while the
 * store is away (200, 401 with the reason as text, 413); else 404. Returns the function that ends
 * it.
 */
export function serveEndpoint(
  access: EndpointAccess,
  endpoint: Endpoint,
  log: Log,
  clock = systemClock,
): () => void {
  const server = createGuardedServer((request, response) => {
    const send = ([status, text, headers]: Answer) => {
      if (status === 401) log.warn({ problem: text }, 'a call of POST /end was refused')
      const type = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }
      response.writeHead(status, { ...type, ...headers })
      response.end(`${text}\n`)
    }
    answer(request, access, endpoint, clock).then(send, (error: unknown) => {
      log.error({ error }, 'a call could not be answered')
      send([500, 'failed'])
    })
  })
  const end = listenPersistently(server, access.port, log, clock)
  return () => {
    end()
    server.close()
    server.closeAllConnections()
  }
}

type Answer = [status: number, text: string, headers?: OutgoingHttpHeaders]

async function answer(
  request: IncomingMessage,
  access: EndpointAccess,
  endpoint: Endpoint,
  clock: Clock,
): Promise<Answer> {
  const { method, url } = request
  if (method === 'POST' && url === '/end' && access.endKey !== undefined) {
    return await answerEnd(request, access.endKey, access.attempt, endpoint, clock)
  }
  if (method === 'POST' && isFor('/end/', url, access.formerToken)) {
    const text = await readShort(request)
    if (text === undefined) return [413, 'too long']
    endpoint.onEnd(text)
    return [200, 'noted']
  }
  request.resume()
  if (method !== 'GET') return [404, 'not found']
  if (url === '/ready') {
    const reason = endpoint.notReady()
    return reason === undefined ? [200, 'ready'] : [503, reason]
  }
  if (!isFor('/stop/', url, access.preStopToken) && !isFor('/stop/', url, access.formerToken))
    return [404, 'not found']
  endpoint.onStop()
  return [200, 'noted']
}

async function answerEnd(
  request: IncomingMessage,
  key: string,
  attempt: string,
  endpoint: Endpoint,
  clock: Clock,
): Promise<Answer> {
  const body = await readShort(request)
  if (body === undefined) return [413, 'too long']
  const header = (name: string) => String(request.headers[name] ?? '')
  const signature = header(endHeaders.signature)
  const call = { attempt, at: Number(header(endHeaders.time)), body }
  const refusal = endRefusal(key, call, signature, clock.now())
  if (refusal !== undefined) return [401, refusal]
  endpoint.onEnd(body)
  return [200, 'noted', { [endHeaders.proof]: proofOfEnd(key, signature) }]
}

function isFor(path: string, url: string | undefined, token: string | undefined): boolean {
  return token !== undefined && url?.startsWith(path) === true && isSameSecret(url.slice(path.length), token)
}

/** Undefined if it is too long or cut. */
function readShort(request: IncomingMessage): Promise<string | undefined> {
  return boundedText(request, longestBody).catch(() => undefined)
}

const longestBody = 16 * 1024
