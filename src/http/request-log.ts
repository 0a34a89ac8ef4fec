import { randomUUID } from 'node:crypto'
import type { Request, RequestHandler, Response } from 'express'
import type { Services } from './services.ts'

/** Gives each request an id, and writes a line and a measurement when its answer has ended. */
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
      metrics.answered({ method, route: routeOf(req), status, seconds })
      const line = { ...describe(req, res), status, ms: Math.round(seconds * 1000) }
      const isProbe = req.path.startsWith('/health/')
      log[isProbe ? 'debug' : 'info'](line, res.writableFinished ? 'answered' : 'connection lost')
    })
    next()
  }
}

/** What may be written of a request: neither its query nor its headers, which may hold secrets. */
export function describe(req: Request, res: Response) {
  const { requestId, token } = res.locals
  return { request: requestId, method: req.method, path: req.path, ...(token !== undefined && { token }) }
}

/** The pattern of the path, of which there are few. */
function routeOf(req: Request): string {
  const route: unknown = req.route
  const hasPath = typeof route === 'object' && route !== null && 'path' in route
  return hasPath ? String(route.path) : 'unknown'
}
