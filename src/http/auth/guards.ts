import type { Request, RequestHandler } from 'express'
import { Problem } from '../../util/errors.ts'
import type { HttpOptions } from '../options.ts'
import type { Services } from '../services.ts'
import { bearerToken, foreignOrigin, tokenName } from './access.ts'
import { isAllowedHost } from './hosts.ts'

/** Refuses a Host header that may be the name of a page of another site (DNS rebinding). */
export function hostGuard({ allowedHosts }: Pick<HttpOptions, 'allowedHosts'>): RequestHandler {
  return (req, _res, next) => {
    const { host } = req.headers
    if (allowedHosts !== undefined && !isAllowedHost(host, allowedHosts)) throw unknownHost(host)
    next()
  }
}

function unknownHost(host = ''): Problem {
  const problem = `names ${JSON.stringify(host.slice(0, 255))}, which is no name of this API`
  const expected = 'localhost, an IP address, the host of PUBLIC_URL, or a name of ALLOWED_HOSTS'
  return new Problem('forbidden', `Host: ${problem}; expected ${expected}`, {
    errors: [{ field: 'Host', problem, expected }],
  })
}

/**
 * Allows requests with a known token, and those that an earlier guard has named; sets
 * `res.locals.token` to the token's name. Without configured tokens it allows every request.
 */
export function tokenGuard({ tokens }: HttpOptions): RequestHandler {
  return (req, res, next) => {
    if (tokens.length === 0 || res.locals.token !== undefined) return next()
    const { authorization } = req.headers
    const name = tokenName(authorization, tokens)
    if (name === undefined) {
      // RFC 6750, section 3: the header has an error only if the request had a token.
      const error = authorization === undefined ? '' : ', error="invalid_token"'
      res.set('WWW-Authenticate', `Bearer realm="jobferry"${error}`)
      throw new Problem('unauthorized', 'Send a known token as "Authorization: Bearer <token>"')
    }
    res.locals.token = name
    next()
  }
}

/**
 * For the endpoints of Dataplane Signaling: sets `res.locals.token` to the caller's name if the
 * token is a signaling token. Leaves every other token to tokenGuard, which refuses unknown ones.
 */
export function signalingGuard({ signaling }: Pick<Services, 'signaling'>): RequestHandler {
  return async (req, res, next) => {
    const token = bearerToken(req.headers.authorization)
    if (token?.split('.').length === 3) {
      const name = await signaling.callers.verify(token)
      if (name !== undefined) res.locals.token = name
    }
    next()
  }
}

/**
 * Refuses requests before the first sync, when existing jobs would get a 404, and during shutdown.
 */
export function readyGuard({ ready, shutdown }: Services): RequestHandler {
  return (_req, res, next) => {
    if (ready()) return next()
    if (shutdown.aborted) res.set('Connection', 'close')
    const what = shutdown.aborted ? 'shutting down' : 'starting'
    throw new Problem('unavailable', `The API is ${what}`, { retryAfterSeconds: 2 })
  }
}

/** Refuses requests from another site whose method can change state. */
export function siteGuard(options: HttpOptions): RequestHandler {
  return (req, _res, next) => {
    if (!['GET', 'HEAD', 'OPTIONS'].includes(req.method)) refuseForeign(req, options)
    next()
  }
}

/**
 * For GETs that change state: throws Problem `forbidden` for calls from other sites and prefetches.
 */
export function refuseForeign(req: Request, options: HttpOptions): void {
  const why = foreignOrigin(req.headers, options.publicUrl)
  if (why !== undefined)
    throw new Problem('forbidden', `${why}: a call that changes something is refused then`)
}
