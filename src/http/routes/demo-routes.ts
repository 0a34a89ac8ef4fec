import { type Request, type Response, Router } from 'express'
import { isFinal, type Job } from '../../job/job.ts'
import { jobLinks, withLinks } from '../../job/links.ts'
import { Problem } from '../../util/errors.ts'
import { refuseForeign } from '../auth/guards.ts'
import { deployerOf, deployJob } from '../deploy-job.ts'
import { unknownJob } from '../input/job-id.ts'
import { readQuery } from '../input/query.ts'
import { resolveRequest } from '../input/resolve-request.ts'
import type { HttpOptions } from '../options.ts'
import { clientDisconnect } from '../server/client-disconnect.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

const defaultWait = 50
const secondsUntilRetry = 5

/** Answers with one file of a final job's results. */
export type SendResultFile = (req: Request, res: Response, uuid: string, path: string) => Promise<void>

/**
 * `GET /demo` for people at a browser: deploys a job, waits for its end and answers with a result
 * file. The job continues if the client disconnects.
 */
export function demoRoutes(services: Services, options: HttpOptions, sendFile: SendResultFile): Router {
  const router = Router()
  route(
    router,
    '/demo',
    {
      async get(req, res) {
        refuseForeign(req, options)
        readQuery(req, [])
        const admitted = await resolveRequest({ request: { job: 'default' } }, services, options)
        const file = admitted.request.demo_file
        if (file === undefined) {
          throw new Problem('not-found', 'The configured job "default" names no demo_file')
        }
        const { uuid } = await deployJob(deployerOf(req, res), admitted, services)
        const { self } = jobLinks(uuid, options.publicUrl)
        // The job has its own URL; a repeated GET /demo would start another job.
        res.location(self)
        const job = await wait(services, options, uuid, res)
        if (!isFinal(job.state)) {
          res
            .status(202)
            .set('Retry-After', String(secondsUntilRetry))
            .json(withLinks(job, options.publicUrl))
          return
        }
        if (job.state !== 'succeeded') throw jobFailed(job)
        await sendFile(req, res, uuid, file)
      },
    },
    { noHead: true },
  )
  return router
}

async function wait(services: Services, options: HttpOptions, uuid: string, res: Response): Promise<Job> {
  const milliseconds = (options.demoWaitSeconds ?? defaultWait) * 1000
  const signal = AbortSignal.any([clientDisconnect(res), services.shutdown])
  const job = await services.jobs.waitForFinal(uuid, milliseconds, signal)
  if (!job) throw unknownJob(uuid)
  return job
}

function jobFailed({ job_uuid, state, reason, message }: Job): Problem {
  const why = [reason, message].filter((part) => part !== null).join(': ')
  return new Problem('job-failed', `Job ${job_uuid} has ${state}${why && `: ${why}`}`)
}
