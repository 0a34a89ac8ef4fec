import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import { defined } from '../../util/objects.ts'
import type { Services } from '../services.ts'

/**
 * Gives each request an id; logs the request and measures its duration when its answer has ended.
 */
export function requestLog({ log, metrics }: Pick<Services, 'log' | 'metrics'>): RequestHandler {
  return (req, res, next) => {
    const started = performance.now()
    const id = randomUUID()
    res.locals.requestId = id
    res.set('X-Request-Id', id)
    res.once('close', () => {
      const seconds = (performance.now() - started) / 1000
      const { method } = req
      const status = res.statusCode
      metrics.requestSeconds.observe({ method, route: routeOf(req), status }, seconds)
      const line = { ...describe(req, res), status, ms: Math.round(seconds * 1000) }
      const isProbe = req.path.startsWith('/health/')
      log[isProbe ? 'debug' : 'info'](line, res.writableFinished ? 'answered' : 'connection lost')
    })
    next()
  }
}

/**
 * The loggable parts of a request. Its query and headers are left out, as they may contain secrets.
 */
export function describe(req: Request, res: Response) {
  const { requestId, token } = res.locals
  return { request: requestId, method: req.method, path: req.path, ...defined({ token }) }
}

/** The route's path pattern, since a metric's label must have few values. */
function routeOf(req: Request): string {
  const route: unknown = req.route
  const hasPath = typeof route === 'object' && route !== null && 'path' in route
  return hasPath ? String(route.path) : 'unknown'
}
