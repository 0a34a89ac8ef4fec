import { type Request, type Response, Router } from 'express'
import { invalid, invalidFields } from '../errors.ts'
import { parseConfigData } from '../job/config-data.ts'
import { parseDeployQuery } from '../job/deploy-query.ts'
import { parseEnvFile } from '../job/env-file.ts'
import { jobLinks, withLinks } from '../job/links.ts'
import type { JobRequest } from '../job/request.ts'
import { parseRequest } from '../job/request-schema.ts'
import type { Deployment } from '../lifecycle/jobs.ts'
import { contentType, parseJson, readBody, unsupported } from './body.ts'
import { callerGone } from './gone.ts'
import { refuseForeign } from './guards.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { refuseLargeInputs } from './input-limit.ts'
import { readForm } from './multipart.ts'
import type { HttpOptions } from './options.ts'
import { queryPairs, readQuery } from './query.ts'
import { resolveRequest } from './resolve-request.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'
import { waitSeconds } from './wait.ts'

export function deployRoutes(services: Services, options: HttpOptions): Router {
  const router = Router()
  route(
    router,
    '/job/deploy',
    {
      async get(req, res) {
        refuseForeign(req, options)
        const pairs = queryPairs(req.originalUrl)
        const seconds = waitSeconds(req, res, waitIn(pairs), options)
        const fields = pairs.filter(([name]) => name !== 'wait')
        const request = resolveRequest({ request: parseDeployQuery(fields) }, services, options)
        const uuid = await deploy(services, idempotencyKey(req), request, callerOf(res))
        res.json(await answer(res, uuid, seconds, services, options))
      },
      async post(req, res) {
        const seconds = waitSeconds(req, res, readQuery(req, ['wait']).get('wait'), options)
        const uuid = await deployBody(req, res, services, options)
        res.location(jobLinks(uuid, options.publicUrl).self)
        res.status(201).json(await answer(res, uuid, seconds, services, options))
      },
    },
    { noHead: true },
  )
  return router
}

/** Deploys a request that has no inputs; `caller` is the name of its token. */
export async function deploy(
  services: Services,
  key: string | undefined,
  request: JobRequest,
  caller: string | null,
): Promise<string> {
  checkCallback(services, request, caller)
  const deployment = await services.jobs.beginDeployment(key)
  return await finish(services, deployment, request, caller)
}

/** The name of a caller's token; null where everybody may call. */
export function callerOf(res: Response): string | null {
  const { token } = res.locals
  return typeof token === 'string' ? token : null
}

async function deployBody(req: Request, res: Response, services: Services, options: HttpOptions) {
  const type = contentType(req)
  const key = idempotencyKey(req)
  if (type === 'application/json') {
    const request = parseRequest(parseJson(await readBody(req), 'body'))
    return await deploy(services, key, resolveRequest({ request }, services, options), callerOf(res))
  }
  if (type === 'multipart/form-data') return await deployForm(req, res, key, services, options)
  throw unsupported('application/json or multipart/form-data')
}

async function deployForm(
  req: Request,
  res: Response,
  key: string | undefined,
  services: Services,
  options: HttpOptions,
): Promise<string> {
  refuseLargeInputs(req, options)
  const deployment = await services.jobs.beginDeployment(key)
  let request: JobRequest
  let checked = false
  try {
    const texts = await readForm(req, res, {
      texts: ['request', 'config_data', 'env_file'],
      async input(name, stream, before) {
        // A wrong request is refused before GiBs are sent for it; where it comes later, it is checked below.
        const isKnown = before.has('request') || before.has('config_data')
        if (isKnown && !checked) requestOf(before, res, services, options)
        checked = isKnown
        await deployment.receiveInput(name, stream)
      },
    })
    request = requestOf(texts, res, services, options)
  } catch (error) {
    await deployment.abandon()
    throw error
  }
  return await finish(services, deployment, request, callerOf(res))
}

function requestOf(
  texts: ReadonlyMap<string, Buffer>,
  res: Response,
  services: Services,
  options: HttpOptions,
): JobRequest {
  const [request, configData, envFile] = ['request', 'config_data', 'env_file'].map((name) => texts.get(name))
  if (request && configData) {
    throw invalid('config_data', 'is given together with request', 'one of the two')
  }
  const resolved = resolveRequest(
    {
      request: request && parseRequest(parseJson(request, 'request')),
      configData: configData && parseConfigData(configData),
      envFile: envFile && parseEnvFile(envFile),
    },
    services,
    options,
  )
  checkCallback(services, resolved, callerOf(res))
  return resolved
}

function checkCallback({ completion }: Services, request: JobRequest, caller: string | null): void {
  const errors = completion.callbacks.check(request, caller)
  if (errors.length > 0) throw invalidFields(errors)
}

async function finish(
  { completion, metrics }: Services,
  deployment: Deployment,
  request: JobRequest,
  caller: string | null,
): Promise<string> {
  const companion = completion.callbacks.companion(deployment.uuid, request, caller)
  const { job_uuid } = await deployment.deploy(request, companion)
  metrics.deployed()
  return job_uuid
}

/** For a caller who waits with the job as it is then: still the deployment's answer, whatever became of it. */
async function answer(
  res: Response,
  uuid: string,
  seconds: number,
  { jobs, shutdown }: Services,
  { publicUrl }: HttpOptions,
) {
  const status = 'job deployed'
  const signal = seconds === 0 ? shutdown : AbortSignal.any([callerGone(res), shutdown])
  const job = seconds === 0 ? undefined : await jobs.waitForFinal(uuid, seconds * 1000, signal)
  return {
    status,
    ...(job ? withLinks(job, publicUrl) : { job_uuid: uuid, links: jobLinks(uuid, publicUrl) }),
  }
}

function waitIn(pairs: readonly (readonly [string, string])[]): string | undefined {
  const values = pairs.filter(([name]) => name === 'wait')
  if (values.length > 1) throw invalid('wait', 'is given twice', 'it once')
  return values[0]?.[1]
}
