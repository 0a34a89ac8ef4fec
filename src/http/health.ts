import { Router } from 'express'
import { readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

/** What kubelets ask, without a token. */
export function probeRoutes({ backend, ready }: Services): Router {
  const router = Router()
  route(router, '/health/live', {
    get: (_req, res) => void res.json({ status: 'live' }),
  })
  route(router, '/health/ready', {
    get(_req, res) {
      const isReady = ready()
      // A backend or store that is away doesn't take the API out of service: every answer would be 502 then.
      res
        .status(isReady ? 200 : 503)
        .json({ status: isReady ? 'ready' : 'not ready', missing: backend.missing() })
    },
  })
  return router
}

/** What people ask. */
export function healthRoutes({ backend, store, jobs, metrics, ready }: Services): Router {
  const router = Router()
  route(router, '/health', {
    get(req, res) {
      readQuery(req, [])
      const missing = backend.missing()
      const status = !ready() ? 'not ready' : missing.length > 0 ? 'degraded' : 'ok'
      res.status(ready() ? 200 : 503).json({
        status,
        missing,
        backend: backend.name,
        store: store.name,
        finishes_jobs: backend.holdsLease(),
        jobs: Object.fromEntries(jobs.countByState()),
      })
    },
  })
  route(router, '/metrics', {
    async get(req, res) {
      readQuery(req, [])
      const { body, contentType } = await metrics.expose()
      res.set('Content-Type', contentType).end(body)
    },
  })
  return router
}
