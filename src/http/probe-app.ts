import type { Express } from 'express'
import { hostGuard, tokenGuard } from './auth/guards.ts'
import type { HttpOptions } from './options.ts'
import { healthRoutes, probeRoutes } from './routes/health-routes.ts'
import { endApp, newApp } from './server/base-app.ts'
import { requestLog } from './server/request-log.ts'
import type { Services } from './services.ts'

/**
 * Probes, health and metrics for a port of their own (PROBE_PORT), with the same guards as on the
 * API's port.
 */
export function createProbeApp(services: Services, options: HttpOptions): Express {
  const app = newApp({ 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' })
  app.use(requestLog(services), hostGuard(options))
  app.use(probeRoutes(services), tokenGuard(options), healthRoutes(services))
  return endApp(app, services, ': this port has /health and /metrics alone')
}
