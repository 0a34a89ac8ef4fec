import type { Request } from 'express'
import type { InputRequest } from '../job/inputs/input-schema.ts'
import { type ConfiguredJob, type PartialRequest, parseRequest } from '../job/request/request-schema.ts'
import { changedSteps, type Restart, reusedSteps } from '../job/steps/restart.ts'
import { rerunParts } from '../lifecycle/deploy/again/rerun-parts.ts'
import type { Deployment } from '../lifecycle/jobs.ts'
import type { StoredJob } from '../lifecycle/stored-job.ts'
import { invalidFields, Problem } from '../util/errors.ts'
import { defined } from '../util/objects.ts'
import { checkCallback, type DeployedJob, type Deployer, finishDeployment } from './deploy-job.ts'
import { contentType, readBody, unsupported } from './input/body.ts'
import { unknownJob } from './input/job-id.ts'
import { parseRequestJson } from './input/json.ts'
import { type ResolvedRequest, resolveRequest } from './input/resolve-request.ts'
import type { HttpOptions } from './options.ts'
import type { Services } from './services.ts'

/**
 * Deploys the request of a job of this caller again, with overriding fields, and with the same
 * inputs unless these have `inputs`. With `from` it goes on at a step, on the result.
 */
export async function rerunJob(
  { uuid, from }: { uuid: string; from?: string | undefined },
  overrides: PartialRequest,
  deployer: Deployer,
  services: Services,
  options: HttpOptions,
): Promise<DeployedJob> {
  const { key, caller } = deployer
  const stored = await services.jobs.stored(uuid)
  if (stored === undefined) throw unknownJob(uuid)
  // Every caller may read it, but its inputs and the values of its variables are not theirs.
  if ((stored.job.made_by ?? null) !== caller) throw notOwn(uuid)
  const deployment = await services.jobs.beginDeployment(key, caller)
  const prepareAll = async () => {
    const restart = from === undefined ? undefined : await restartFor(deployment, stored, from, services)
    const prepared = await prepare(deployment, stored, { overrides, restart }, services, options)
    checkCallback(services, prepared.admitted.request, caller)
    return { ...prepared, restart }
  }
  const asked = await prepareAll().catch(async (error: unknown) => {
    await deployment.abandon()
    throw error
  })
  const { admitted, sameInputs, restart } = asked
  return await finishDeployment(services, deployment, admitted, deployer, {
    rerunOf: uuid,
    sameInputs,
    restart,
  })
}

/** A repeated request is the job that it made, also once the result that this began with is gone. */
async function restartFor(
  { uuid }: Deployment,
  stored: StoredJob,
  from: string,
  { jobs }: Services,
): Promise<Restart> {
  try {
    return await jobs.findRestart(stored, from)
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'restart-impossible')) throw error
    const made = (await jobs.stored(uuid))?.job
    const { job_uuid: of, attempt } = stored.job
    if (made?.rerun_of !== of || made.restarted_from === undefined || attempt === null) throw error
    const step = from === 'failed' ? made.restarted_from : from
    return { uuid: of, attempt: attempt.uid, ...defined({ from: step ?? undefined }) }
  }
}

function notOwn(uuid: string): Problem {
  const detail = `Job ${uuid} was made with another token, and only with that one it can be rerun`
  return new Problem('forbidden', `${detail}. Deploy a request of your own instead`)
}

async function prepare(
  deployment: Deployment,
  stored: StoredJob,
  again: Again,
  services: Services,
  options: HttpOptions,
): Promise<{ admitted: ResolvedRequest; sameInputs: boolean }> {
  // A field that the configured job locks now is as that job says.
  if (again.overrides.inputs !== undefined || currentJob(stored, services)?.locked?.includes('inputs')) {
    return { admitted: await admit(stored, again, [], services, options), sameInputs: false }
  }
  const { references, pinned } = await deployment.takeInputs(stored)
  const admitted = await admit(stored, again, references, services, options)
  if (references.length === 0) return { admitted, sameInputs: true }
  return { admitted: { ...admitted, request: { ...admitted.request, inputs: pinned } }, sameInputs: true }
}

interface Again {
  overrides: PartialRequest
  restart: Restart | undefined
}

async function admit(
  job: StoredJob,
  { overrides, restart }: Again,
  references: readonly InputRequest[],
  services: Services,
  options: HttpOptions,
) {
  const { request: stored } = job
  const current = currentJob(job, services)
  const { configured, request } = rerunParts(stored, overrides, current, reusedSteps(stored.steps, restart))
  const given = references.length === 0 ? request : { ...request, inputs: [...references] }
  const names = () => services.configured.names()
  const known = { get: () => configured, names }
  const named = stored.job === undefined ? given : { ...given, job: stored.job }
  const admitted = await resolveRequest({ request: named }, { ...services, configured: known }, options)
  const errors = restart === undefined ? [] : [...changedSteps(restart, stored, admitted.request)]
  if (errors.length > 0) throw invalidFields(errors)
  return admitted
}

/** The configured job of the stored request's name, as it is now. */
function currentJob({ request }: StoredJob, { configured }: Services): ConfiguredJob | undefined {
  return request.job === undefined ? undefined : configured.get(request.job)
}

/** The overriding fields in a body, which may be empty. */
export async function overridesIn(req: Request): Promise<PartialRequest> {
  const body = await readBody(req)
  if (body.length === 0) return {}
  if (contentType(req) !== 'application/json') throw unsupported('application/json, or send none')
  return parseRequest(parseRequestJson(body, 'body'))
}
