import type { Request } from 'express'
import { shownSource } from '../job/inputs/source-address.ts'
import type { JobRequest } from '../job/request/request.ts'
import { parseRequest } from '../job/request/request-schema.ts'
import type { Preview } from '../lifecycle/jobs.ts'
import { isObject } from '../util/objects.ts'
import { shownUrl } from '../util/text/shown-url.ts'
import type { PreviewAnswer } from './answers/job-answers.ts'
import { checkCallback, readDeployForm } from './deploy-job.ts'
import { contentType, readBody, unsupported } from './input/body.ts'
import { refuseLargeInputs } from './input/input-limit.ts'
import { parseRequestJson } from './input/json.ts'
import { type ResolvedRequest, resolveRequest } from './input/resolve-request.ts'
import type { HttpOptions } from './options.ts'
import type { Services } from './services.ts'

/** Instead of a value that may be secret. */
const hidden = '(hidden)'

/** What deploying the request in a body would make; refused as a deployment is, and nothing is made. */
export async function previewBody(
  req: Request,
  caller: string | null,
  services: Services,
  options: HttpOptions,
): Promise<PreviewAnswer> {
  switch (contentType(req)) {
    case 'application/json': {
      const request = parseRequest(parseRequestJson(await readBody(req), 'body'))
      return await previewRequest(await resolveRequest({ request }, services, options), caller, services)
    }
    case 'multipart/form-data': {
      refuseLargeInputs(req, options)
      const preview = services.jobs.beginPreview(caller)
      const admitted = await readDeployForm(req, preview, caller, services, options)
      return await answerOf(admitted, preview)
    }
    default:
      throw unsupported('application/json or multipart/form-data')
  }
}

/** As previewBody(), of a request without input files. */
export async function previewRequest(
  admitted: ResolvedRequest,
  caller: string | null,
  services: Services,
): Promise<PreviewAnswer> {
  checkCallback(services, admitted.request, caller)
  return await answerOf(admitted, services.jobs.beginPreview(caller))
}

async function answerOf({ request, ignored }: ResolvedRequest, preview: Preview): Promise<PreviewAnswer> {
  const manifest = (await preview.show(request)) ?? null
  const ignoredHere = ignored.length === 0 ? {} : { ignored }
  return {
    dry_run: true,
    request: shownRequest(request),
    manifest: isObject(manifest) ? manifest : null,
    ...ignoredHere,
  }
}

/** In the form of a caller's request; addresses lack what may be a key. */
function shownRequest({ job_env: jobEnv, ...request }: JobRequest): Record<string, unknown> {
  const { env, steps, inputs, callback } = request
  return {
    ...request,
    env: hiddenValues({ ...jobEnv, ...env }),
    ...(steps && {
      steps: steps.map((step) => ({ ...step, ...(step.env && { env: hiddenValues(step.env) }) })),
    }),
    ...(inputs && {
      inputs: inputs.map(({ from, content, ...input }) => ({
        ...(from !== undefined && { from: shownSource(from) }),
        ...(content !== undefined && { content: hidden }),
        ...input,
      })),
    }),
    ...(callback !== undefined && { callback: shownUrl(callback) }),
  }
}

function hiddenValues(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(variables).map((name) => [name, hidden]))
}
