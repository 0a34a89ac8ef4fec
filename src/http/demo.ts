import { type Request, type Response, Router } from 'express'
import { Problem } from '../errors.ts'
import { isFinal, type Job } from '../job/job.ts'
import { jobLinks, withLinks } from '../job/links.ts'
import { callerOf, deploy } from './deploy.ts'
import { callerGone } from './gone.ts'
import { refuseForeign } from './guards.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { unknownJob } from './job-id.ts'
import type { HttpOptions } from './options.ts'
import { readQuery } from './query.ts'
import { resolveRequest } from './resolve-request.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

const defaultWait = 50
const secondsUntilRetry = 5

/** Answers with one file of a final job's results. */
export type SendResultFile = (req: Request, res: Response, uuid: string, path: string) => Promise<void>

/** `GET /demo`: the whole way in one call, for people; a caller who goes away leaves the job running. */
export function demoRoutes(services: Services, options: HttpOptions, sendFile: SendResultFile): Router {
  const router = Router()
  route(
    router,
    '/demo',
    {
      async get(req, res) {
        refuseForeign(req, options)
        readQuery(req, [])
        const request = resolveRequest({ request: { job: 'default' } }, services, options)
        const file = request.demo_file
        if (file === undefined) {
          throw new Problem('not-found', 'The configured job "default" names no demo_file')
        }
        const uuid = await deploy(services, idempotencyKey(req), request, callerOf(res))
        const { self } = jobLinks(uuid, options.publicUrl)
        // Where a job's file is answered it has an address of its own; this one would give another each time.
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
  const signal = AbortSignal.any([callerGone(res), services.shutdown])
  const job = await services.jobs.waitForFinal(uuid, milliseconds, signal)
  if (!job) throw unknownJob(uuid)
  return job
}

function jobFailed({ job_uuid, state, reason, message }: Job): Problem {
  const why = [reason, message].filter((part) => part !== null).join(': ')
  return new Problem('job-failed', `Job ${job_uuid} has ${state}${why && `: ${why}`}`)
}
