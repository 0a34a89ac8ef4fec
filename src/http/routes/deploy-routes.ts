import { type Response, Router } from 'express'
import { jobLinks, withLinks } from '../../job/links.ts'
import { parseDeployQuery } from '../../job/request/deploy-query.ts'
import { requestFields } from '../../job/request/fields.ts'
import { invalid } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import type { DeployAnswer } from '../answers/job-answers.ts'
import { refuseForeign } from '../auth/guards.ts'
import { callerOf, type DeployedJob, deployBody, deployerOf, deployJob } from '../deploy-job.ts'
import { jobId } from '../input/job-id.ts'
import { flagOf, queryPairs, readQuery } from '../input/query.ts'
import { resolveRequest } from '../input/resolve-request.ts'
import { waitSeconds } from '../input/wait.ts'
import { releaseBody } from '../limits/body-budget.ts'
import type { HttpOptions } from '../options.ts'
import { previewBody, previewRequest } from '../preview-job.ts'
import { overridesIn, rerunJob } from '../rerun-job.ts'
import { clientDisconnect } from '../server/client-disconnect.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

export function deployRoutes(services: Services, options: HttpOptions): Router {
  const router = Router()
  route(
    router,
    '/job/deploy',
    {
      async get(req, res) {
        refuseForeign(req, options)
        const pairs = queryPairs(req.originalUrl)
        const seconds = waitSeconds(req, res, single(pairs, 'wait'), options)
        const dryRun = flagOf(new Map([['dry_run', single(pairs, 'dry_run') ?? 'false']]), 'dry_run')
        const fields = pairs.filter(([name]) => name !== 'wait' && name !== 'dry_run')
        const request = await resolveRequest({ request: parseDeployQuery(fields) }, services, options)
        if (dryRun) return void res.json(await previewRequest(request, callerOf(res), services))
        const deployed = await deployJob(deployerOf(req, res), request, services)
        res.json(await answer(res, deployed, seconds, services, options))
      },
      async post(req, res) {
        const query = readQuery(req, ['wait', 'dry_run'], isRequestField)
        const seconds = waitSeconds(req, res, query.get('wait'), options)
        if (flagOf(query, 'dry_run')) {
          return void res.json(await previewBody(req, callerOf(res), services, options))
        }
        const deployed = await deployBody(req, deployerOf(req, res), services, options)
        releaseBody(req)
        res.location(jobLinks(deployed.uuid, options.publicUrl).self)
        res.status(201).json(await answer(res, deployed, seconds, services, options))
      },
    },
    { noHead: true },
  )
  route(router, '/job/:id/rerun', {
    async post(req, res) {
      const uuid = jobId(req)
      const query = readQuery(req, ['wait', 'from'], isRequestField)
      const seconds = waitSeconds(req, res, query.get('wait'), options)
      const again = { uuid, from: query.get('from') }
      const overrides = await overridesIn(req)
      const deployed = await rerunJob(again, overrides, deployerOf(req, res), services, options)
      releaseBody(req)
      res.location(jobLinks(deployed.uuid, options.publicUrl).self)
      res.status(201).json(await answer(res, deployed, seconds, services, options))
    },
  })
  return router
}

/**
 * Has the whole job if the caller waits. `status` is the deployment's for every outcome of the job.
 */
async function answer(
  res: Response,
  { uuid, ignored, rerunOf, restart }: DeployedJob,
  seconds: number,
  { jobs, shutdown }: Pick<Services, 'jobs' | 'shutdown'>,
  { publicUrl }: HttpOptions,
): Promise<DeployAnswer> {
  const status = 'job deployed'
  const signal = AbortSignal.any([clientDisconnect(res), shutdown])
  const job = seconds === 0 ? undefined : await jobs.waitForFinal(uuid, seconds * 1000, signal)
  const more = ignored.length === 0 ? {} : { ignored }
  if (job === undefined) {
    const links = jobLinks(uuid, publicUrl)
    const from = restart && { restarted_from: restart.from ?? null }
    return { status, job_uuid: uuid, ...defined({ rerun_of: rerunOf }), ...from, links, ...more }
  }
  return { status, ...withLinks(job, publicUrl), ...more }
}

function isRequestField(name: string): boolean {
  return Object.hasOwn(requestFields, name)
}

function single(pairs: readonly (readonly [string, string])[], parameter: string): string | undefined {
  const values = pairs.filter(([name]) => name === parameter)
  if (values.length > 1) throw invalid(parameter, 'is given twice', 'one value')
  return values[0]?.[1]
}
