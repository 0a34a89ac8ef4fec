import type { Express } from 'express'
import { createResults } from '../results/results.ts'
import { sandbox } from '../results/serve/answer.ts'
import { grantGuard } from './auth/grant-guard.ts'
import { hostGuard, readyGuard, signalingGuard, siteGuard, tokenGuard } from './auth/guards.ts'
import { provisionGuard } from './auth/provision-guard.ts'
import { admitBodies, BodyBudget, chargeBodies } from './limits/body-budget.ts'
import { bodyLimits } from './limits/body-limits.ts'
import { Downloads, downloadLimits } from './limits/downloads.ts'
import { openApiRoutes } from './openapi/openapi-routes.ts'
import type { HttpOptions } from './options.ts'
import { callbackRoutes } from './routes/callback-routes.ts'
import { catalogueRoutes } from './routes/catalogue/catalogue-routes.ts'
import { controlPlaneRoutes } from './routes/controlplane-routes.ts'
import { dataflowRoutes } from './routes/dataflow-routes.ts'
import { demoRoutes } from './routes/demo-routes.ts'
import { deployRoutes } from './routes/deploy-routes.ts'
import { environmentRoutes } from './routes/environment-routes.ts'
import { eventRoutes } from './routes/event-routes.ts'
import { healthRoutes, probeRoutes } from './routes/health-routes.ts'
import { jobRoutes } from './routes/job-routes.ts'
import { limitsRoutes } from './routes/limits-routes.ts'
import { logRoutes } from './routes/log-routes.ts'
import { provisionRoutes } from './routes/provision-routes.ts'
import { resultFileSender, resultRoutes } from './routes/result-routes.ts'
import { tokenRoutes } from './routes/token-routes.ts'
import { uploadRoutes } from './routes/upload-routes.ts'
import { endApp, newApp } from './server/base-app.ts'
import { oneAtATime } from './server/one-at-a-time.ts'
import { requestLog } from './server/request-log.ts'
import type { Services } from './services.ts'

/** The whole HTTP API. */
export function createApp(services: Services, options: HttpOptions): Express {
  const app = newApp({
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': sandbox,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  })
  const results = createResults(services.resultOpener)
  const { downloadsMax, tokens } = options
  const downloads = new Downloads({
    ...downloadLimits(downloadsMax, tokens.length),
    ...options.downloadShares,
  })
  const sending = { ...services, downloads }
  // A cache must never answer GET /demo, which deploys a job.
  const sendFile = resultFileSender(results, sending, { 'Cache-Control': 'no-store' })

  app.use(oneAtATime())
  app.use(requestLog(services), bodyLimits(), chargeBodies(new BodyBudget(options.bodiesMaxBytes)))
  app.use(hostGuard(options))
  app.use(probeRoutes(services), tokenRoutes(services, options), openApiRoutes(options))
  app.use(['/dataflows', '/controlplanes'], signalingGuard(services))
  app.use(
    grantGuard(services.grants),
    provisionGuard(options),
    tokenGuard(options),
    siteGuard(options),
    admitBodies(),
    healthRoutes(services),
    readyGuard(services),
  )
  // The route /job/deploy must precede /job/:id, which would match it too.
  app.use(deployRoutes(services, options), jobRoutes(services, options), logRoutes(services))
  app.use(resultRoutes(results, sending, options), uploadRoutes(sending, options))
  app.use(catalogueRoutes(results, sending, options))
  app.use(dataflowRoutes(services, options), controlPlaneRoutes(services))
  app.use(callbackRoutes(services), eventRoutes(services))
  app.use(limitsRoutes(services, options), environmentRoutes(services, options))
  app.use(demoRoutes(services, options, sendFile))
  app.use(provisionRoutes(services, options))
  return endApp(app, services)
}
