import { Router } from 'express'
import { readQuery } from '../input/query.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

const damagedWithinMs = 2_000

/** Probes for kubelets, without a token. */
export function probeRoutes(services: Services): Router {
  const router = Router()
  route(router, '/health/live', {
    get: (_req, res) => void res.json({ status: 'live' }),
  })
  route(router, '/health/ready', {
    async get(_req, res) {
      const isReady = services.ready()
      // Stay ready if the backend or store is down: without a ready pod every request would get a
      // 502.
      res
        .status(isReady ? 200 : 503)
        .json({ status: isReady ? 'ready' : 'not ready', missing: await missingOf(services) })
    },
  })
  return router
}

/** Health and metrics for operators. */
export function healthRoutes(services: Services): Router {
  const { backend, leadership, store, jobs, broker, metrics, ready } = services
  const router = Router()
  route(router, '/health', {
    async get(req, res) {
      readQuery(req, [])
      const missing = await missingOf(services)
      const damaged = missing.length > 0 ? null : await damagedMessages(services)
      const messages = broker?.state()
      const isConnected = messages === undefined || messages.state === 'connected'
      const isWell = missing.length === 0 && damaged?.length === 0 && isConnected
      const status = !ready() ? 'not ready' : isWell ? 'ok' : 'degraded'
      res.status(ready() ? 200 : 503).json({
        status,
        missing,
        damaged_messages: damaged,
        backend: backend.name,
        store: store.name,
        ...(messages && { broker: messages }),
        finishes_jobs: leadership.isLeader(),
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

/**
 * Keys of notifications that are unsent as their objects are damaged; null without an answer in
 * time.
 */
async function damagedMessages({ notifications: { outbox } }: Services): Promise<string[] | null> {
  return await outbox.damaged(AbortSignal.timeout(damagedWithinMs)).catch(() => null)
}

async function missingOf({ backend, storeHealth }: Services): Promise<string[]> {
  return [...backend.missing(), ...((await backend.obstacles?.()) ?? []), ...(await storeHealth.missing())]
}
