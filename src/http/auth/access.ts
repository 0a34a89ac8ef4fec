import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Token } from '../options.ts'

/** The name of the token in an Authorization header (RFC 6750); undefined without a known token. */
export function tokenName(authorization: string | undefined, tokens: readonly Token[]): string | undefined {
  const given = bearerToken(authorization)
  return given === undefined ? undefined : tokenNameOf(given, tokens)
}

/** The bearer token of an Authorization header (RFC 6750); undefined if there is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1]
}

/** The name of the token; undefined if it is unknown. */
export function tokenNameOf(given: string, tokens: readonly Token[]): string | undefined {
  const digest = createHash('sha256').update(given).digest()
  let found: string | undefined
  // Compare with all tokens, in constant time: the duration must not reveal a similar token.
  for (const { name, sha256 } of tokens) {
    const known = Buffer.from(sha256, 'hex')
    if (known.length === digest.length && timingSafeEqual(known, digest)) found ??= name
  }
  return found
}

/**
 * Reason to refuse a request that changes state: it is from a page of another site, or a browser's
 * prefetch. Undefined if the request may pass.
 */
export function foreignOrigin(headers: IncomingHttpHeaders, publicUrl?: string): string | undefined {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return `It comes from another site (Sec-Fetch-Site: ${site})`
  }
  const { origin, referer, host } = headers
  if (origin !== undefined) {
    if (!isOwnOrigin(origin, host, publicUrl)) return 'It comes from another site (Origin)'
  } else if (site === undefined && referer && !isOwnOrigin(referer, host, publicUrl)) {
    // On plain http browsers send no Sec-Fetch-Site, and a GET has no Origin.
    return 'It comes from another site (Referer)'
  }
  return isPrefetch(headers) ? 'It is a prefetch' : undefined
}

function isOwnOrigin(origin: string, host: string | undefined, publicUrl: string | undefined): boolean {
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  if (publicUrl !== undefined && url.origin === new URL(publicUrl).origin) return true
  // Accept both schemes: behind a proxy that ends TLS, the client's scheme is unknown.
  return /^https?:$/.test(url.protocol) && host !== undefined && url.host === hostOf(url.protocol, host)
}

/** The Host header without its scheme's default port, as in URL.host. */
function hostOf(protocol: string, host: string): string | undefined {
  return URL.canParse(`${protocol}//${host}`) ? new URL(`${protocol}//${host}`).host : undefined
}

function isPrefetch(headers: IncomingHttpHeaders): boolean {
  const marks = [headers['sec-purpose'], headers.purpose, headers['x-purpose'], headers['x-moz']]
  return marks.some((mark) => /\b(?:prefetch|prerender|preview)\b/i.test(String(mark ?? '')))
}
