import { type Request, type Response, Router } from 'express'
import { callerTokenSeconds } from '../../dataspaces/signaling/tokens/caller-token.ts'
import { OAuthError, type TokenAnswer } from '../../dataspaces/signaling/tokens/renewal.ts'
import { bearerToken, tokenNameOf } from '../auth/access.ts'
import { contentType, readBody } from '../input/body.ts'
import { queryPairs } from '../input/query.ts'
import type { HttpOptions } from '../options.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

const statuses: Record<OAuthError['code'], number> = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  temporarily_unavailable: 503,
}

/**
 * Access tokens and this data plane's public key. Readers of a data flow renew their token (profile
 * Token Renewal; RFC 6749, section 6); control planes get a token for their calls (profile OAuth 2
 * Client Credentials Grant; section 4.4). Callers authenticate by a signature, or by a name and its
 * secret, instead of a token of this API.
 */
export function tokenRoutes(services: Pick<Services, 'signaling' | 'log'>, options: HttpOptions): Router {
  const router = Router()
  route(router, '/token', {
    async post(req, res) {
      try {
        const parameters = await readParameters(req)
        res.set('Pragma', 'no-cache').json(await answer(req, parameters, services, options))
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        services.log.warn({ error: error.code, description: error.message }, 'a token request was refused')
        refuse(res, error)
      }
    },
  })
  route(router, '/.well-known/jwks.json', {
    async get(_req, res) {
      res.json(await services.signaling.publicKeys())
    },
  })
  return router
}

async function answer(
  req: Request,
  parameters: URLSearchParams,
  { signaling }: Pick<Services, 'signaling'>,
  { tokens }: HttpOptions,
): Promise<TokenAnswer> {
  const { authorization } = req.headers
  switch (only(parameters, 'grant_type')) {
    case 'refresh_token':
      return await signaling.renew(only(parameters, 'refresh_token'), bearerToken(authorization))
    case 'client_credentials': {
      const [id, secret] = clientOf(authorization, parameters)
      if (tokenNameOf(secret, tokens) !== id)
        throw new OAuthError('invalid_client', 'The client or its secret is unknown')
      const token = await signaling.callers.issue(id)
      return { access_token: token, token_type: 'Bearer', expires_in: callerTokenSeconds }
    }
    default:
      throw new OAuthError('unsupported_grant_type', 'Expected refresh_token or client_credentials')
  }
}

/**
 * Id and secret from the Authorization header, form-encoded, or the body (RFC 6749, section 2.3.1).
 */
function clientOf(
  authorization: string | undefined,
  parameters: URLSearchParams,
): [id: string, secret: string] {
  const basic = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '')?.[1]
  if (basic === undefined) return [only(parameters, 'client_id'), only(parameters, 'client_secret')]
  const [, id, secret] = /^([^:]*):(.*)$/.exec(Buffer.from(basic, 'base64').toString('utf8')) ?? []
  const decoded = new URLSearchParams(`id=${id ?? ''}&secret=${secret ?? ''}`)
  return [decoded.get('id') ?? '', decoded.get('secret') ?? '']
}

/** Parameters from the query, as in the profile's example, and from the form (RFC 6749). */
async function readParameters(req: Request): Promise<URLSearchParams> {
  const parameters = new URLSearchParams(queryPairs(req.originalUrl))
  const body = await readBody(req)
  if (body.length === 0) return parameters
  if (contentType(req) !== 'application/x-www-form-urlencoded') {
    throw new OAuthError('invalid_request', 'Send the parameters as application/x-www-form-urlencoded')
  }
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) parameters.append(name, value)
  return parameters
}

/** The value of a parameter, which must not be repeated (RFC 6749, section 3.2). */
function only(parameters: URLSearchParams, name: string): string {
  const [value, more] = parameters.getAll(name)
  if (value !== undefined && value !== '' && more === undefined) return value
  throw new OAuthError('invalid_request', `Expected the parameter ${name} once`)
}

function refuse(res: Response, { code, message }: OAuthError): void {
  const status = statuses[code]
  if (status === 401) res.set('WWW-Authenticate', 'Bearer realm="jobferry", error="invalid_token"')
  if (status === 503) res.set('Retry-After', '5')
  res
    .status(status)
    .json({ error: code, error_description: message.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'") })
}
