import { type Request, type RequestHandler, type Response, Router } from 'express'
import type { Dataset } from '../completion/datasets/datasets.ts'
import { type ProvisionRequest, parseProvisionRequest } from '../completion/provision/request.ts'
import { invalid, messageOf, Problem } from '../errors.ts'
import { jobLinks } from '../job/links.ts'
import { bearerToken, nameOf } from './access.ts'
import { contentType, parseJson, readBody, unsupported } from './body.ts'
import type { HttpOptions } from './options.ts'
import { queryPairs, readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

const path = '/provision'

/** `POST /provision`: connectors' provision-http, of both generations. */
export function provisionRoutes(services: Services, options: Pick<HttpOptions, 'publicUrl'>): Router {
  const { provisioning } = services
  const router = Router()
  route(router, path, {
    async post(req, res) {
      const query = readQuery(req, ['job', 'file', 'asset', 'access_token'])
      if (contentType(req) !== 'application/json') throw unsupported('application/json')
      const request = parseProvisionRequest(parseJson(await readBody(req), 'body'))
      const { uuid, answered } =
        request.type === 'deprovision'
          ? await provisioning.deprovision(request)
          : await provisioning.provision(request, () => datasetFor(request, query, services))
      // Whoever is called back earlier than answered loses the transfer.
      res.once('finish', () => {
        answered().catch((error: unknown) => {
          if (services.shutdown.aborted) return
          services.log.warn({ job: uuid, error: messageOf(error) }, 'what follows an answer is done later')
        })
      })
      res.json(uuid === undefined ? {} : { job_uuid: uuid, links: jobLinks(uuid, options.publicUrl) })
    },
  })
  return router
}

/**
 * Lets who may provision call that path, by `Authorization` or `x-api-key`; and with a token that opens nothing else
 * by `access_token` in the address (RFC 6750 section 2.3), since connectors can send no header.
 */
export function provisionGuard({ tokens, provisionTokens = [] }: HttpOptions): RequestHandler {
  return (req, res, next) => {
    if (req.path.replace(/\/$/, '') !== path || res.locals.token !== undefined) return next()
    if (tokens.length + provisionTokens.length === 0) return next()
    const name = provisioner(req, tokens, provisionTokens)
    if (name === undefined) throw refused(res)
    res.locals.token = name
    next()
  }
}

type Tokens = HttpOptions['tokens']

function provisioner(req: Request, tokens: Tokens, provisionTokens: Tokens): string | undefined {
  const given = bearerToken(req.headers.authorization) ?? req.headers['x-api-key']
  if (typeof given === 'string') return nameOf(given, [...tokens, ...provisionTokens])
  const inAddress = queryPairs(req.originalUrl).find(([name]) => name === 'access_token')
  return inAddress && nameOf(inAddress[1], provisionTokens)
}

function refused(res: Response): Problem {
  res.set('WWW-Authenticate', 'Bearer realm="jobferry"')
  return new Problem(
    'unauthorized',
    'Send a known token as "Authorization: Bearer <token>" or x-api-key, or one of PROVISION_TOKENS as ?access_token=',
  )
}

/** What is asked for: a job that the address names, else what the asset's id stands for. */
function datasetFor(
  { asset }: ProvisionRequest,
  query: ReadonlyMap<string, string>,
  { datasets, configured }: Services,
): Dataset {
  const job = query.get('job')
  const file = query.get('file')
  const id = query.get('asset') ?? asset
  if (job !== undefined) {
    if (query.has('asset')) throw invalid('asset', 'is given together with job', 'one of the two')
    if (file === '') throw invalid('file', 'is empty', 'a path of the results')
    if (!configured.get(job)) {
      throw invalid('job', 'is unknown', `one of ${configured.names().join(', ') || '(none is configured)'}`)
    }
    const source = { kind: 'job', job, env: {} } as const
    const base = { id: id ?? job, source, format: 'tar', givenAs: 'http', remove: 'nothing' } as const
    return file === undefined ? base : { ...base, file }
  }
  if (file !== undefined) throw invalid('file', 'is given without job', 'it together with job')
  if (id === undefined) {
    throw invalid(
      'asset',
      'is missing',
      "asset or job in this address: a data plane doesn't say what it wants",
    )
  }
  const dataset = datasets.find(id)
  if (dataset) return dataset
  throw new Problem('not-found', `No dataset is configured for the asset ${JSON.stringify(id.slice(0, 200))}`)
}
