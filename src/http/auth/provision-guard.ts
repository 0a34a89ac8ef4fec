import type { Request, RequestHandler, Response } from 'express'
import { Problem } from '../../util/errors.ts'
import { queryPairs } from '../input/query.ts'
import type { HttpOptions } from '../options.ts'
import { bearerToken, tokenNameOf } from './access.ts'

export const provisionPath = '/provision'

/**
 * Allows POST /provision with a token in `Authorization` or `x-api-key`, or with one of
 * PROVISION_TOKENS in the URL's `access_token` (RFC 6750, section 2.3), since connectors cannot
 * send these headers.
 */
export function provisionGuard({ tokens, provisionTokens = [] }: HttpOptions): RequestHandler {
  return (req, res, next) => {
    if (req.path.replace(/\/$/, '') !== provisionPath || res.locals.token !== undefined) return next()
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
  if (typeof given === 'string') return tokenNameOf(given, [...tokens, ...provisionTokens])
  const inAddress = queryPairs(req.originalUrl).find(([name]) => name === 'access_token')
  return inAddress && tokenNameOf(inAddress[1], provisionTokens)
}

function refused(res: Response): Problem {
  res.set('WWW-Authenticate', 'Bearer realm="jobferry"')
  return new Problem(
    'unauthorized',
    'Send a known token as "Authorization: Bearer <token>" or x-api-key, or one of PROVISION_TOKENS as ?access_token=',
  )
}
