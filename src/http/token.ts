import { type Request, type Response, Router } from 'express'
import { OAuthError } from '../completion/signaling/renewal.ts'
import { bearerToken } from './access.ts'
import { contentType, readBody } from './body.ts'
import { queryPairs } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

const statuses: Record<OAuthError['code'], number> = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  temporarily_unavailable: 503,
}

/**
 * Where readers of a data flow renew their access token (profile Token Renewal; RFC 6749, section 6). Its callers have
 * no token of this API: they sign what they ask for.
 */
export function tokenRoutes({ signaling, log }: Pick<Services, 'signaling' | 'log'>): Router {
  const router = Router()
  route(router, '/token', {
    async post(req, res) {
      try {
        const parameters = await readParameters(req)
        const grant = only(parameters, 'grant_type')
        if (grant !== 'refresh_token') {
          throw new OAuthError('unsupported_grant_type', 'Expected grant_type=refresh_token')
        }
        const refreshToken = only(parameters, 'refresh_token')
        res.set('Pragma', 'no-cache')
        res.json(await signaling.renew(refreshToken, bearerToken(req.headers.authorization)))
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        log.warn({ error: error.code, description: error.message }, 'a token was not renewed')
        refuse(res, error)
      }
    },
  })
  return router
}

/** From the query, as in the profile's example, and from the form (RFC 6749). */
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

/** Parameters must not be there twice (RFC 6749, section 3.2). */
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
