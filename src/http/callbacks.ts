import { Router } from 'express'
import { guarded } from '../lifecycle/store-guard.ts'
import { jobId, unknownJob } from './job-id.ts'
import { readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

/** What was sent because of a job, and sending it again. */
export function callbackRoutes({ jobs, completion }: Pick<Services, 'jobs' | 'completion'>): Router {
  const router = Router()
  const { callbacks, outbox } = completion

  route(router, '/job/:id/callbacks', {
    async get(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      if (!(await jobs.get(uuid))) throw unknownJob(uuid)
      res.json({ job_uuid: uuid, callbacks: await guarded(() => outbox.history(uuid)) })
    },
  })

  route(router, '/job/:id/callbacks/redeliver', {
    async post(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      if (!(await jobs.get(uuid))) throw unknownJob(uuid)
      const redelivered = await guarded(() => callbacks.redeliver(uuid))
      // 202: it is sent in its turn; what becomes of it is seen in the list.
      res.status(202).json({ job_uuid: uuid, redelivered })
    },
  })
  return router
}
