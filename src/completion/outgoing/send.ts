import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, type Dispatcher } from 'undici'
import { messageOf } from '../../errors.ts'
import { type AllowRules, refusal } from './allow.ts'
import { type Outgoing, type OutgoingAnswer, OutgoingError, type OutgoingRequest } from './outgoing.ts'

export interface OutgoingSettings {
  allow: AllowRules
  timeoutMilliseconds: number
}

const maxBytes = 64 * 1024
const maxUrl = 2048

/** Calls with undici, over agents that look at every address before they connect to it. */
export function createOutgoing({ allow, timeoutMilliseconds: timeout }: OutgoingSettings): Outgoing {
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

/** What is wrong with a URL before any name is resolved. An address in it never reaches the agent's lookup. */
function urlRefusal(text: string, rules: AllowRules | undefined) {
  const wrong = (problem: string, expected: string) => ({ problem, expected })
  if (!URL.canParse(text) || text.length > maxUrl) {
    return wrong('it is no URL', `an http:// or https:// URL of at most ${maxUrl} characters`)
  }
  const { protocol, username, password, hostname } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') {
    return wrong(`${protocol} is not allowed`, 'an http:// or https:// URL')
  }
  if (username !== '' || password !== '') {
    return wrong('it has credentials in it', 'a URL without user name and password')
  }
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const why = isIP(address) === 0 ? undefined : refusal(hostname, address, rules)
  return why === undefined ? undefined : wrong(why, `another address: ${why}`)
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

/** Resolves to the allowed addresses alone, so that those that were looked at are those that are connected to. */
function lookupAllowed(rules: AllowRules | undefined): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '')
      const refusals = found.map(({ address }) => refusal(host, address, rules))
      const allowed = found.filter((_, index) => refusals[index] === undefined)
      const [first] = allowed
      if (first === undefined) {
        return callback(new OutgoingError('forbidden', `${host}: ${refusals[0] ?? 'it has no address'}`), '')
      }
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

async function ask(
  agent: Agent,
  { url, method, headers, body, signal }: OutgoingRequest,
  limit: AbortSignal,
) {
  const { origin, pathname, search } = new URL(url)
  const answer = await agent.request({
    origin,
    path: pathname + search,
    method,
    headers: { 'user-agent': 'Jobferry', ...headers },
    body: body ?? null,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  })
  return { status: answer.statusCode, headers: joined(answer.headers), body: answer.body }
}

/** What it takes longer for, or more than that, isn't waited for: the status is known. */
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
