import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Token } from './options.ts'

/** The name of the token in an Authorization header (RFC 6750), or undefined where there is none that is known. */
export function tokenName(authorization: string | undefined, tokens: readonly Token[]): string | undefined {
  const given = bearerToken(authorization)
  return given === undefined ? undefined : nameOf(given, tokens)
}

/** The token of an Authorization header (RFC 6750). */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '')?.[1]
}

/** Whose token it is. */
export function nameOf(given: string, tokens: readonly Token[]): string | undefined {
  const digest = createHash('sha256').update(given).digest()
  let found: string | undefined
  // All are compared, each in constant time: how long it takes says nothing about which one was near.
  for (const { name, sha256 } of tokens) {
    const known = Buffer.from(sha256, 'hex')
    if (known.length === digest.length && timingSafeEqual(known, digest)) found ??= name
  }
  return found
}

/**
 * Whether a Host header names this machine itself, or `publicUrl`. A page of another site can make its own name
 * resolve to 127.0.0.1 (DNS rebinding), but not send one of these.
 */
export function isLoopbackHost(host: string | undefined, publicUrl?: string): boolean {
  if (host === undefined) return false
  const name = host.toLowerCase()
  if (publicUrl !== undefined && name === new URL(publicUrl).host) return true
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/.test(name)
}

/**
 * Why a request that changes something comes from where it mustn't: a page of another site, or a browser that
 * only guesses that it might be wanted. Undefined where it may pass.
 */
export function foreignOrigin(headers: IncomingHttpHeaders, publicUrl?: string): string | undefined {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return `It comes from another site (Sec-Fetch-Site: ${site})`
  }
  const { origin } = headers
  if (origin !== undefined && !isOwnOrigin(origin, headers.host, publicUrl)) {
    return 'It comes from another site (Origin)'
  }
  return isPrefetch(headers) ? 'It is a prefetch' : undefined
}

function isOwnOrigin(origin: string, host: string | undefined, publicUrl: string | undefined): boolean {
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  if (publicUrl !== undefined && url.origin === new URL(publicUrl).origin) return true
  // Where a proxy ended TLS, the scheme isn't known here.
  return /^https?:$/.test(url.protocol) && host !== undefined && url.host === hostOf(url.protocol, host)
}

/** A Host header without its scheme's default port, as URLs have it. */
function hostOf(protocol: string, host: string): string | undefined {
  return URL.canParse(`${protocol}//${host}`) ? new URL(`${protocol}//${host}`).host : undefined
}

function isPrefetch(headers: IncomingHttpHeaders): boolean {
  const marks = [headers['sec-purpose'], headers.purpose, headers['x-purpose'], headers['x-moz']]
  return marks.some((mark) => /\b(?:prefetch|prerender|preview)\b/i.test(String(mark ?? '')))
}
