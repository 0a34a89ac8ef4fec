import { Router } from 'express'
import { readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

const damagedWithinMs = 2_000

/** What kubelets ask, without a token. */
export function probeRoutes(services: Services): Router {
  const router = Router()
  route(router, '/health/live', {
    get: (_req, res) => void res.json({ status: 'live' }),
  })
  route(router, '/health/ready', {
    async get(_req, res) {
      const isReady = services.ready()
      // A backend or store that is away doesn't take the API out of service: every answer would be 502 then.
      res
        .status(isReady ? 200 : 503)
        .json({ status: isReady ? 'ready' : 'not ready', missing: await missingOf(services) })
    },
  })
  return router
}

/** What people ask. */
export function healthRoutes(services: Services): Router {
  const { backend, store, jobs, metrics, ready } = services
  const router = Router()
  route(router, '/health', {
    async get(req, res) {
      readQuery(req, [])
      const missing = await missingOf(services)
      const damaged = missing.length > 0 ? null : await damagedMessages(services)
      const isWell = missing.length === 0 && damaged?.length === 0
      const status = !ready() ? 'not ready' : isWell ? 'ok' : 'degraded'
      res.status(ready() ? 200 : 503).json({
        status,
        missing,
        damaged_messages: damaged,
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

/** What was not sent since the store didn't have it as it was written; null where that isn't known. */
async function damagedMessages({ completion: { outbox } }: Services): Promise<string[] | null> {
  return await outbox.damaged(AbortSignal.timeout(damagedWithinMs)).catch(() => null)
}

async function missingOf({ backend, storeHealth }: Services): Promise<string[]> {
  return [...backend.missing(), ...(await storeHealth.missing())]
}
