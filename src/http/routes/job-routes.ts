import { Router } from 'express'
import { isFinal } from '../../job/job.ts'
import { withLinks } from '../../job/links.ts'
import { existingJob, jobId } from '../input/job-id.ts'
import { integerOf, readQuery } from '../input/query.ts'
import { waitAsAsked } from '../input/wait.ts'
import type { HttpOptions } from '../options.ts'
import { nextLink } from '../server/next-link.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

const defaultLimit = 100
const maxLimit = 10_000

export function jobRoutes(services: Services, options: HttpOptions): Router {
  const { jobs } = services
  const { publicUrl } = options
  const router = Router()
  route(router, '/job', {
    async get(req, res) {
      const query = readQuery(req, ['limit', 'after'])
      const limit = integerOf(query, 'limit', 1, maxLimit) ?? defaultLimit
      const after = query.get('after')
      const page = await jobs.list(after === undefined ? { limit } : { limit, after })
      res.json({
        jobs: page.jobs.map((job) => withLinks(job, publicUrl)),
        next: nextLink('/job', { limit: query.get('limit'), after: page.next }, publicUrl),
      })
    },
  })

  route(router, '/job/:id', {
    async get(req, res) {
      const uuid = jobId(req)
      const query = readQuery(req, ['wait'])
      const awaited = await waitAsAsked(req, res, uuid, query.get('wait'), services, options)
      res.json(withLinks(awaited ?? (await existingJob(jobs, uuid)), publicUrl))
    },
    async delete(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      await jobs.remove(uuid)
      res.status(204).end()
    },
  })

  route(router, '/job/:id/cancel', {
    async post(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      const job = await jobs.cancel(uuid)
      // 202: the decision is stored; the worker may still run within its grace period.
      res.status(isFinal(job.state) ? 200 : 202).json(withLinks(job, publicUrl))
    },
  })
  return router
}
