import type { Request, Response } from 'express'
import { parseConfigData } from '../job/request/config-data.ts'
import { parseEnvFile } from '../job/request/env-file.ts'
import type { JobRequest } from '../job/request/request.ts'
import { parseRequest } from '../job/request/request-schema.ts'
import type { Restart } from '../job/steps/restart.ts'
import type { Deployment, PendingNotification, RerunOptions } from '../lifecycle/jobs.ts'
import { invalid, invalidFields } from '../util/errors.ts'
import { defined } from '../util/objects.ts'
import { contentType, readBody, unsupported } from './input/body.ts'
import { idempotencyKey } from './input/idempotency-key.ts'
import { refuseLargeInputs } from './input/input-limit.ts'
import { parseRequestJson } from './input/json.ts'
import { refuseLockedInputs } from './input/left-to-callers.ts'
import { readForm } from './input/multipart.ts'
import { type ResolvedRequest, resolveRequest } from './input/resolve-request.ts'
import type { HttpOptions } from './options.ts'
import type { Services } from './services.ts'

export interface Deployer {
  /** The Idempotency-Key header. */
  key: string | undefined
  /** The name of the caller's token; null if the caller has none. */
  caller: string | null
  /** What the store needs beside a callback before the job begins. */
  notify?: (uuid: string) => PendingNotification
}

/** Throws a Problem that names the Idempotency-Key if its value is not allowed. */
export function deployerOf(req: Request, res: Response): Deployer {
  return { key: idempotencyKey(req), caller: callerOf(res) }
}

/** The name of the caller's token; null if the caller has none. */
export function callerOf(res: Response): string | null {
  const { token } = res.locals
  return typeof token === 'string' ? token : null
}

export interface DeployedJob {
  uuid: string
  /** Fields of the request that have no effect here. */
  ignored: string[]
  rerunOf?: string
  restart?: Restart
}

/** Deploys a request without inputs. */
export async function deployJob(
  deployer: Deployer,
  admitted: ResolvedRequest,
  services: Services,
): Promise<DeployedJob> {
  const { key, caller } = deployer
  checkCallback(services, admitted.request, caller)
  const deployment = await services.jobs.beginDeployment(key, caller)
  return await finishDeployment(services, deployment, admitted, deployer)
}

/** Deploys the request in a body, JSON or a form with inputs. */
export async function deployBody(
  req: Request,
  deployer: Deployer,
  services: Services,
  options: HttpOptions,
): Promise<DeployedJob> {
  switch (contentType(req)) {
    case 'application/json': {
      const request = parseRequest(parseRequestJson(await readBody(req), 'body'))
      return await deployJob(deployer, await resolveRequest({ request }, services, options), services)
    }
    case 'multipart/form-data':
      return await deployForm(req, deployer, services, options)
    default:
      throw unsupported('application/json or multipart/form-data')
  }
}

async function deployForm(
  req: Request,
  deployer: Deployer,
  services: Services,
  options: HttpOptions,
): Promise<DeployedJob> {
  const { key, caller } = deployer
  refuseLargeInputs(req, options)
  const deployment = await services.jobs.beginDeployment(key, caller)
  let admitted: ResolvedRequest
  try {
    admitted = await readDeployForm(req, deployment, caller, services, options)
  } catch (error) {
    await deployment.abandon()
    throw error
  }
  return await finishDeployment(services, deployment, admitted, deployer)
}

/** The request in a form whose input files `receiver` takes. */
export async function readDeployForm(
  req: Request,
  receiver: Pick<Deployment, 'receiveInput'>,
  caller: string | null,
  services: Services,
  options: HttpOptions,
): Promise<ResolvedRequest> {
  let hasInputs = false
  let checked = false
  const requestOf = async (texts: ReadonlyMap<string, Buffer>) => {
    const admitted = await requestInForm(texts, services, options)
    checkCallback(services, admitted.request, caller)
    if (hasInputs) refuseLockedInputs(services.configured.get(admitted.request.job ?? ''))
    return admitted
  }
  const texts = await readForm(req, {
    texts: ['request', 'config_data', 'env_file'],
    async input(name, stream, before) {
      hasInputs = true
      // Refuse an invalid request before GiBs of inputs; a request after the inputs is checked
      // below.
      const isKnown = before.has('request') || before.has('config_data')
      if (isKnown && !checked) await requestOf(before)
      checked = isKnown
      await receiver.receiveInput(name, stream)
    },
  })
  return await requestOf(texts)
}

async function requestInForm(
  texts: ReadonlyMap<string, Buffer>,
  services: Services,
  options: HttpOptions,
): Promise<ResolvedRequest> {
  const [request, configData, envFile] = ['request', 'config_data', 'env_file'].map((name) => texts.get(name))
  if (request && configData) {
    throw invalid('config_data', 'is given together with request', 'one of the two')
  }
  return await resolveRequest(
    {
      request: request && parseRequest(parseRequestJson(request, 'request')),
      configData: configData && parseConfigData(configData),
      envFile: envFile && parseEnvFile(envFile),
    },
    services,
    options,
  )
}

/** Rejects with a Problem that names what is wrong with the request's callback. */
export function checkCallback({ notifications }: Services, request: JobRequest, caller: string | null): void {
  const errors = notifications.callbacks.check(request, caller)
  if (errors.length > 0) throw invalidFields(errors)
}

/** Makes the job of a deployment; rejects as Deployment.deploy(), which abandons it then. */
export async function finishDeployment(
  { notifications }: Services,
  deployment: Deployment,
  { request, asked, ignored }: ResolvedRequest,
  { caller, notify }: Pick<Deployer, 'caller' | 'notify'>,
  again?: RerunOptions,
): Promise<DeployedJob> {
  const { uuid } = deployment
  const callback = notifications.callbacks.pendingNotification(uuid, request, caller)
  const notification = bothOf(callback, notify?.(uuid))
  const { job_uuid } = await deployment.deploy(request, notification, asked, again)
  return { uuid: job_uuid, ignored, ...defined({ rerunOf: again?.rerunOf, restart: again?.restart }) }
}

function bothOf(
  first: PendingNotification | undefined,
  second: PendingNotification | undefined,
): PendingNotification | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return {
    async write() {
      await Promise.all([first.write(), second.write()])
    },
    async remove() {
      await Promise.all([first.remove(), second.remove()])
    },
  }
}
