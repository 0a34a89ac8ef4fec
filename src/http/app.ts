import express, { type Express } from 'express'
import { Problem } from '../errors.ts'
import { sandbox } from '../result/answer.ts'
import { createResults } from '../result/results.ts'
import { bodyLimits } from './body-limits.ts'
import { callbackRoutes } from './callbacks.ts'
import { controlPlaneRoutes } from './controlplanes.ts'
import { dataflowRoutes } from './dataflows.ts'
import { demoRoutes } from './demo.ts'
import { deployRoutes } from './deploy.ts'
import { Downloads } from './downloads.ts'
import { environmentRoutes } from './environments.ts'
import { errorHandler } from './error-handler.ts'
import { eventRoutes } from './events.ts'
import { grantGuard } from './grant-guard.ts'
import { hostGuard, readyGuard, signalingGuard, siteGuard, tokenGuard } from './guards.ts'
import { healthRoutes, probeRoutes } from './health.ts'
import { jobRoutes } from './jobs.ts'
import { defaultLimits } from './limits.ts'
import { logRoutes } from './log.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { HttpOptions } from './options.ts'
import { provisionGuard, provisionRoutes } from './provision.ts'
import { requestLog } from './request-log.ts'
import { resultFileSender, resultRoutes } from './result.ts'
import type { Services } from './services.ts'
import { tokenRoutes } from './token.ts'

/** The whole HTTP API. */
export function createApp(services: Services, options: HttpOptions): Express {
  const app = express()
  const results = createResults(services.store, services.locateResult, services.log, services.shutdown)
  const sending = { ...services, downloads: new Downloads(defaultLimits.downloads) }
  // A GET that deploys must never be answered from a cache.
  const sendFile = resultFileSender(results, sending, { 'Cache-Control': 'no-store' })
  app.disable('x-powered-by')
  app.disable('etag')

  app.use(oneAtATime())

  app.use((_req, res, next) => {
    res.set({
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': sandbox,
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Cache-Control': 'no-store',
    })
    next()
  })
  app.use(requestLog(services), bodyLimits(), hostGuard(options))
  app.use(probeRoutes(services), tokenRoutes(services, options))
  app.use(['/dataflows', '/controlplanes'], signalingGuard(services))
  app.use(
    grantGuard(services.grants),
    provisionGuard(options),
    tokenGuard(options),
    siteGuard(options),
    healthRoutes(services),
    readyGuard(services),
  )
  // /job/deploy comes before /job/:id.
  app.use(deployRoutes(services, options), jobRoutes(services, options), logRoutes(services))
  app.use(resultRoutes(results, sending, options))
  app.use(dataflowRoutes(services, options), controlPlaneRoutes(services))
  app.use(callbackRoutes(services), eventRoutes(services))
  app.use(environmentRoutes(services, options), demoRoutes(services, options, sendFile))
  app.use(provisionRoutes(services, options))
  app.use((req) => {
    throw new Problem('not-found', `There is nothing at ${req.path}`)
  })
  app.use(errorHandler(services))
  return app
}
