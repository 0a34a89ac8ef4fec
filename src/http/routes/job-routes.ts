import { type Request, type Response, Router } from 'express'
import { isFinal } from '../../job/job.ts'
import { withLinks } from '../../job/links.ts'
import type { BulkAction } from '../../lifecycle/finding/act-on-jobs.ts'
import { defined } from '../../util/objects.ts'
import type { BulkAnswer } from '../answers/bulk-answer.ts'
import { refuseBody } from '../input/body.ts'
import { readFilteredQuery, requireFilter } from '../input/job-filter.ts'
import { jobId, unknownJob } from '../input/job-id.ts'
import { flagOf, integerOf, readQuery } from '../input/query.ts'
import { waitAsAsked } from '../input/wait.ts'
import type { HttpOptions } from '../options.ts'
import { nextLink } from '../server/next-link.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

const defaultLimit = 100
const maxLimit = 10_000
const defaultBulkLimit = 1000

export function jobRoutes(services: Services, options: HttpOptions): Router {
  const { jobs } = services
  const { publicUrl } = options
  const router = Router()
  route(router, '/job', {
    async get(req, res) {
      const { filter, given, query } = readFilteredQuery(req, ['limit', 'after'])
      const limit = integerOf(query, 'limit', 1, maxLimit) ?? defaultLimit
      const options = { limit, ...defined({ after: query.get('after') }) }
      const page = filter ? await jobs.find(filter, options) : await jobs.list(options)
      res.json({
        jobs: page.jobs.map((job) => withLinks(job, publicUrl)),
        next: nextLink('/job', { limit: query.get('limit'), after: page.next }, publicUrl, given),
      })
    },
    delete: (req, res) => bulk('delete', services, publicUrl, req, res),
  })

  // Before /job/:id, which would match it too.
  route(router, '/job/cancel', { post: (req, res) => bulk('cancel', services, publicUrl, req, res) })

  route(router, '/job/:id', {
    async get(req, res) {
      const uuid = jobId(req)
      const query = readQuery(req, ['wait'])
      await waitAsAsked(req, res, uuid, query.get('wait'), services, options)
      const job = await jobs.detailed(uuid)
      if (!job) throw unknownJob(uuid)
      res.json(withLinks(job, publicUrl))
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

  route(router, '/job/:id/deliver', {
    async post(req, res) {
      refuseBody(req)
      const uuid = jobId(req)
      readQuery(req, [])
      res.status(202).json(withLinks(await jobs.deliver(uuid), publicUrl))
    },
  })
  return router
}

/** Answers a bulk call: what is done to all jobs that a filter finds. */
async function bulk(
  action: BulkAction,
  { jobs }: Pick<Services, 'jobs'>,
  publicUrl: string | undefined,
  req: Request,
  res: Response,
): Promise<void> {
  refuseBody(req)
  const read = readFilteredQuery(req, ['limit', 'after', 'dry_run'])
  const filter = requireFilter(read)
  const limit = integerOf(read.query, 'limit', 1, maxLimit) ?? defaultBulkLimit
  const dryRun = flagOf(read.query, 'dry_run')
  const after = read.query.get('after')
  const { jobs: acted, next: further } = await jobs.act(action, filter, { limit, after, dryRun })
  const failed = acted.filter(({ error }) => error !== undefined).length
  const path = action === 'cancel' ? '/job/cancel' : '/job'
  const parameters = { limit: read.query.get('limit'), dry_run: read.query.get('dry_run'), after: further }
  const next = nextLink(path, parameters, publicUrl, read.given)
  const answer: BulkAnswer = {
    action,
    dry_run: dryRun,
    jobs: acted,
    failed,
    more: next !== null,
    next,
  }
  res.status(failed === 0 ? 200 : 207).json(answer)
}
