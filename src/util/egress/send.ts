import { Agent, type Dispatcher } from 'undici'
import { messageOf } from '../errors.ts'
import type { AllowRules } from './allow.ts'
import { lookupAllowed, urlRefusal } from './judge-url.ts'
import {
  type OutgoingAnswer,
  type OutgoingCalls,
  OutgoingError,
  type OutgoingRequest,
} from './outgoing-calls.ts'

export interface OutgoingSettings {
  allow: AllowRules
  /** Timeout of a whole call. */
  timeoutSeconds: number
}

const maxBytes = 64 * 1024

/** Calls with undici, through agents that check every address before they connect to it. */
export function createOutgoingCalls({ allow, timeoutSeconds }: OutgoingSettings): OutgoingCalls {
  const timeout = timeoutSeconds * 1000
  const agents = { caller: agentFor(allow, timeout), trusted: agentFor(undefined, timeout) }

  return {
    async send(request) {
      const rules = request.trusted ? undefined : allow
      const why = urlRefusal(request.url, rules)
      if (why !== undefined) throw new OutgoingError('forbidden', why.problem)
      const limit = AbortSignal.timeout(timeout)
      const agent = request.trusted ? agents.trusted : agents.caller
      try {
        const answer = await ask(agent, request, limit)
        return { ...answer, ...(await firstBytes(answer.body)) }
      } catch (error) {
        request.signal?.throwIfAborted()
        throw outgoingError(error, limit.aborted, timeout)
      }
    },

    refuses: (url) => urlRefusal(url, allow)?.expected,

    async close() {
      await Promise.all([agents.caller.destroy(), agents.trusted.destroy()])
    },
  }
}

function agentFor(rules: AllowRules | undefined, timeout: number): Agent {
  return new Agent({
    allowH2: false,
    pipelining: 1,
    connect: { timeout, lookup: lookupAllowed(rules), rejectUnauthorized: true },
    headersTimeout: timeout,
    bodyTimeout: timeout,
  })
}

async function ask(
  agent: Agent,
  { url, method, headers, body, signal }: OutgoingRequest,
  limit: AbortSignal,
) {
  const { origin, pathname, search } = new URL(url)
  const aborted = signal ? AbortSignal.any([signal, limit]) : limit
  const answering = agent.request({
    origin,
    path: pathname + search,
    method,
    headers: { 'user-agent': 'Jobferry', ...headers },
    body: body ?? null,
    signal: aborted,
  })
  const answer = await orAborted(answering, aborted)
  return { status: answer.statusCode, headers: joined(answer.headers), body: answer.body }
}

/**
 * Rejects at once when the signal is aborted. undici notices the signal of a request only when its
 * connection is made, and a silent host leaves that to the connection's own limit.
 */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * The first `maxBytes` of the body, or fewer if it fails or is late: the answer's status is known.
 */
async function firstBytes(
  stream: Dispatcher.ResponseData['body'],
): Promise<Pick<OutgoingAnswer, 'body' | 'truncated'>> {
  const chunks: Buffer[] = []
  let bytes = 0
  let truncated = false
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      truncated = bytes > maxBytes
      if (truncated) break
    }
  } catch {
    truncated = true
  }
  return { body: Buffer.concat(chunks).subarray(0, maxBytes), truncated }
}

function joined(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const names = Object.entries(headers).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    names.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : `${value}`]),
  )
}

function outgoingError(error: unknown, isLate: boolean, timeout: number): OutgoingError {
  if (error instanceof OutgoingError) return error
  const inner = error instanceof Error && error.cause instanceof OutgoingError ? error.cause : undefined
  if (inner) return inner
  const code = (error as { code?: unknown }).code
  const timeouts = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']
  if (isLate || timeouts.includes(String(code))) {
    return new OutgoingError('timeout', `no answer within ${timeout / 1000} s`, { cause: error })
  }
  const all = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error)
  return new OutgoingError('unreachable', all, { cause: error })
}
