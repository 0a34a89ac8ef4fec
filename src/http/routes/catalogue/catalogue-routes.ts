import { type Request, Router } from 'express'
import { jobLinks } from '../../../job/links.ts'
import type { ConfiguredJob } from '../../../job/request/request-schema.ts'
import { rawQuery } from '../../../results/raw-query.ts'
import type { Results } from '../../../results/results.ts'
import { expectedName } from '../../../util/checks/nearest.ts'
import { Problem } from '../../../util/errors.ts'
import type { CatalogueAnswer, CatalogueJobAnswer } from '../../answers/catalogue-answers.ts'
import { readQuery } from '../../input/query.ts'
import type { Downloads } from '../../limits/downloads.ts'
import type { HttpOptions } from '../../options.ts'
import { route } from '../../server/route.ts'
import type { Services } from '../../services.ts'
import { parseResultQuery, resultSender } from '../result-routes.ts'
import { catalogueEntry, catalogueJob } from './catalogue-entry.ts'
import { latestOf } from './latest-result.ts'

/** `/catalog`: the configured jobs, as callers need to know them. */
export function catalogueRoutes(
  results: Results,
  services: Pick<Services, 'configured' | 'jobs' | 'metrics' | 'log'> & { downloads: Downloads },
  { publicUrl }: Pick<HttpOptions, 'publicUrl'>,
): Router {
  const { configured, jobs } = services
  const router = Router()
  const send = resultSender(results, services)
  route(router, '/catalog', {
    get(req, res) {
      readQuery(req, [])
      const all = configured.names().flatMap((name) => configured.get(name) ?? [])
      const answer: CatalogueAnswer = { jobs: all.map((job) => catalogueEntry(job, publicUrl)) }
      res.json(answer)
    },
  })
  route(router, '/catalog/:name', {
    get(req, res) {
      readQuery(req, [])
      const answer: CatalogueJobAnswer = catalogueJob(configuredJobOf(req, configured), publicUrl)
      res.json(answer)
    },
  })
  route(router, '/catalog/:name/latest/result', {
    async get(req, res) {
      const query = rawQuery(req.originalUrl, ['file', 'format', 'redirect'])
      const asked = parseResultQuery(query)
      const uuid = await latestOf(configuredJobOf(req, configured), jobs)
      // What follows reads the same job there, whichever is the newest by then.
      const { search } = new URL(req.originalUrl, 'http://localhost')
      await send(req, res, uuid, asked, {
        'Content-Location': `${jobLinks(uuid, publicUrl).result}${search}`,
      })
    },
  })
  return router
}

function configuredJobOf(req: Request, configured: Services['configured']): ConfiguredJob {
  const name = String(req.params.name)
  const job = configured.get(name)
  if (job !== undefined) return job
  const known = expectedName(name, configured.names())
  throw new Problem('not-found', `there is no configured job of this name; expected ${known}`)
}
