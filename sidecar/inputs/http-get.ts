import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { SourceSettings } from '../../src/job/inputs/input-list.ts'
import { type AllowRules, parseAllow } from '../../src/util/egress/allow.ts'
import { lookupAllowed, urlRefusal } from '../../src/util/egress/judge-url.ts'
import { OutgoingError } from '../../src/util/egress/outgoing-calls.ts'
import { defined } from '../../src/util/objects.ts'

const mostRedirects = 5
/** A connection that gives nothing for so long is cut, and the download goes on with another one. */
const silenceMs = 30_000

export type HttpGet = (
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<IncomingMessage>

/**
 * GET requests without redirects. The operator's rules judge the address when the connection is
 * made. A request rejects with OutgoingError `forbidden` for a URL or address that the rules do not
 * allow, and with errors of the connection.
 */
export function createHttpSend(settings: SourceSettings): HttpGet {
  const rules = parseAllow(settings.allow)
  if (rules === undefined) throw new Error('the list of inputs has no rules for addresses')
  const { allow_http: allowHttp, ca } = settings
  const secureContext =
    ca === undefined ? undefined : createSecureContext({ ca: [...getCACertificates('default'), ca] })
  return async (url, headers, signal) => {
    refuseUrl(url, rules, allowHttp)
    return await send(url, headers, { rules, secureContext }, signal)
  }
}

/**
 * GET requests that follow up to five redirects, each judged as the first URL is. The Authorization
 * header is for the first URL's origin alone. A redirect without a URL, and a sixth one, are
 * returned as the answer.
 */
export function createHttpGet(sendOne: HttpGet): HttpGet {
  return async (first, headers, signal) => {
    const { authorization: _, ...open } = headers
    let url = first
    for (let redirects = 0; ; redirects += 1) {
      const isOwn = new URL(url).origin === new URL(first).origin
      const answer = await sendOne(url, isOwn ? headers : open, signal)
      const { location } = answer.headers
      const isFollowed = isRedirect(answer.statusCode) && redirects < mostRedirects
      if (!isFollowed || location === undefined || !URL.canParse(location, url)) return answer
      answer.destroy()
      url = new URL(location, url).href
    }
  }
}

/** Throws OutgoingError `forbidden` for a URL that the rules don't allow. */
export function refuseUrl(url: string, rules: AllowRules, allowHttp: boolean): void {
  const refused = urlRefusal(url, rules)
  if (refused !== undefined) throw new OutgoingError('forbidden', refused.problem)
  if (!allowHttp && new URL(url).protocol === 'http:') {
    throw new OutgoingError('forbidden', 'it leads to http://, which INPUT_ALLOW_HTTP does not allow')
  }
}

interface Connection {
  rules: AllowRules
  secureContext: SecureContext | undefined
}

function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  { rules, secureContext }: Connection,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp
    const sent = request(
      url,
      {
        method: 'GET',
        headers: { 'user-agent': 'Jobferry', 'accept-encoding': 'identity', ...headers },
        agent: false,
        lookup: lookupAllowed(rules),
        signal,
        timeout: silenceMs,
        ...defined({ secureContext }),
      },
      resolve,
    )
    sent.on('timeout', () => sent.destroy(new Error(`no byte came for ${silenceMs / 1000} s`)))
    sent.on('error', reject)
    sent.end()
  })
}

function isRedirect(status: number | undefined): boolean {
  return [301, 302, 303, 307, 308].includes(status ?? 0)
}
