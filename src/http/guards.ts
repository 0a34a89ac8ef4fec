import type { Request, RequestHandler } from 'express'
import { Problem } from '../errors.ts'
import { bearerToken, foreignOrigin, isLoopbackHost, tokenName } from './access.ts'
import type { HttpOptions } from './options.ts'
import type { Services } from './services.ts'

/** Refuses Host headers that don't name this machine, where only this machine can connect. */
export function hostGuard(options: HttpOptions): RequestHandler {
  return (req, _res, next) => {
    if (options.loopbackOnly && !isLoopbackHost(req.headers.host, options.publicUrl)) {
      throw new Problem('forbidden', 'The Host header names another machine: use localhost or 127.0.0.1')
    }
    next()
  }
}

/** Lets known tokens pass, and who showed a grant's; notes whose it is. Without any configured, everybody passes. */
export function tokenGuard({ tokens }: HttpOptions): RequestHandler {
  return (req, res, next) => {
    if (tokens.length === 0 || res.locals.token !== undefined) return next()
    const { authorization } = req.headers
    const name = tokenName(authorization, tokens)
    if (name === undefined) {
      // RFC 6750, section 3: the error is named only where a token was given.
      const error = authorization === undefined ? '' : ', error="invalid_token"'
      res.set('WWW-Authenticate', `Bearer realm="jobferry"${error}`)
      throw new Problem('unauthorized', 'Send a known token as "Authorization: Bearer <token>"')
    }
    res.locals.token = name
    next()
  }
}

/**
 * Notes whose token of Dataplane Signaling it is, for its endpoints alone; others are the tokenGuard's business. Where a
 * token was not its own, that one says so.
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

/** Refuses what needs the first sync before it is done: a job that isn't known yet would be answered with 404. */
export function readyGuard({ ready, shutdown }: Services): RequestHandler {
  return (_req, res, next) => {
    if (ready()) return next()
    if (shutdown.aborted) res.set('Connection', 'close')
    const what = shutdown.aborted ? 'shutting down' : 'starting'
    throw new Problem('unavailable', `The API is ${what}`, { retryAfterSeconds: 2 })
  }
}

/** Refuses whatever changes something by its method and comes from another site. */
export function siteGuard(options: HttpOptions): RequestHandler {
  return (req, _res, next) => {
    if (!['GET', 'HEAD', 'OPTIONS'].includes(req.method)) refuseForeign(req, options)
    next()
  }
}

/** Rejects `forbidden` for a call from another site and for a prefetch; for GETs that change something. */
export function refuseForeign(req: Request, options: HttpOptions): void {
  const why = foreignOrigin(req.headers, options.publicUrl)
  if (why !== undefined) throw new Problem('forbidden', `${why}: what changes something refuses that`)
}
