import { Router } from 'express'
import { existingJob, jobId } from '../input/job-id.ts'
import { readQuery } from '../input/query.ts'
import { sendEventStream } from '../server/event-stream-answer.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

/** Server-sent events of one job and of all jobs. */
export function eventRoutes({
  jobs,
  notifications: { events },
  shutdown,
}: Pick<Services, 'jobs' | 'notifications' | 'shutdown'>): Router {
  const router = Router()

  route(router, '/events', {
    get(req, res) {
      readQuery(req, [])
      sendEventStream(res, shutdown, (reader) => events.openAll(reader, req.get('last-event-id')))
    },
  })

  route(router, '/job/:id/events', {
    async get(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      const lastId = req.get('last-event-id')
      const job = await existingJob(jobs, uuid)
      // An EventSource does not reconnect after 204.
      if (events.isOver(job, lastId)) res.status(204).end()
      else {
        sendEventStream(res, shutdown, (reader) => {
          return events.openJob(uuid, () => jobs.get(uuid), reader, lastId)
        })
      }
    },
  })
  return router
}
