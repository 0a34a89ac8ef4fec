import { Router } from 'express'
import { type Policy, parsePolicy } from '../../job/policy/policy.ts'
import type { LimitsAnswer } from '../answers/limits-answer.ts'
import { callerOf } from '../deploy-job.ts'
import { readQuery } from '../input/query.ts'
import { defaultLongest } from '../input/wait.ts'
import type { HttpOptions } from '../options.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

/** Tells callers what holds for them. */
export function limitsRoutes(services: Services, options: HttpOptions): Router {
  const router = Router()
  route(router, '/limits', {
    get(req, res) {
      readQuery(req, [])
      res.json(limitsOf(services, options, callerOf(res)))
    },
  })
  return router
}

function limitsOf(
  { admission, jobs }: Services,
  { inputMaxBytes, waitMaxSeconds, refusedFields = {}, ignoredFields = [] }: HttpOptions,
  caller: string | null,
): LimitsAnswer {
  const {
    maximum,
    default: defaults,
    live_jobs_per_token: most,
    root: _,
    ...choices
  } = admission.policy ?? allowAll()
  return {
    caller,
    policy: admission.policy !== undefined,
    allowed: { ...choices, root: admission.mayBeRoot },
    maximum,
    default: defaults,
    live_jobs: { now: jobs.countLive(caller), maximum: most ?? null },
    input_max_bytes: inputMaxBytes,
    wait_max_seconds: waitMaxSeconds ?? defaultLongest,
    refused_fields: Object.keys(refusedFields),
    ignored_fields: [...ignoredFields],
  }
}

function allowAll(): Policy {
  return parsePolicy({})
}
