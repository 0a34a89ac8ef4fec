import { Router } from 'express'
import { translateStoreErrors } from '../../lifecycle/translate-store-errors.ts'
import { existingJob, jobId } from '../input/job-id.ts'
import { readQuery } from '../input/query.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

/** Routes for a job's callbacks: the list of deliveries, and redelivery of the newest one. */
export function callbackRoutes({ jobs, notifications }: Pick<Services, 'jobs' | 'notifications'>): Router {
  const router = Router()
  const { callbacks, outbox } = notifications

  route(router, '/job/:id/callbacks', {
    async get(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      await existingJob(jobs, uuid)
      res.json({ job_uuid: uuid, callbacks: await translateStoreErrors(() => outbox.history(uuid)) })
    },
  })

  route(router, '/job/:id/callbacks/redeliver', {
    async post(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      await existingJob(jobs, uuid)
      const redelivered = await translateStoreErrors(() => callbacks.redeliver(uuid))
      // 202: the outbox sends the callback later; the list of deliveries shows the outcome.
      res.status(202).json({ job_uuid: uuid, redelivered })
    },
  })
  return router
}
