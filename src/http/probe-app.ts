import express, { type Express } from 'express'
import { Problem } from '../util/errors.ts'
import { hostGuard, tokenGuard } from './auth/guards.ts'
import type { HttpOptions } from './options.ts'
import { healthRoutes, probeRoutes } from './routes/health-routes.ts'
import { errorHandler } from './server/error-handler.ts'
import { requestLog } from './server/request-log.ts'
import type { Services } from './services.ts'

/**
 * Probes, health and metrics for a port of their own (PROBE_PORT), with the same guards as on the
 * API's port.
 */
export function createProbeApp(services: Services, options: HttpOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use((_req, res, next) => {
    res.set({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' })
    next()
  })
  app.use(requestLog(services), hostGuard(options))
  app.use(probeRoutes(services), tokenGuard(options), healthRoutes(services))
  app.use((req) => {
    throw new Problem(
      'not-found',
      `There is nothing at ${req.path}: this port has /health and /metrics alone`,
    )
  })
  app.use(errorHandler(services))
  return app
}
