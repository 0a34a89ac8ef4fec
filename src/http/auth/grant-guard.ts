import type { Request, RequestHandler, Response } from 'express'
import { type GrantedRead, type Grants, isGrantToken } from '../../dataspaces/grants/grants.ts'
import { listParameters } from '../../results/list.ts'
import { rawQuery } from '../../results/raw-query.ts'
import { Problem } from '../../util/errors.ts'
import { bearerToken } from './access.ts'

/**
 * Allows a grant's token to read the results that the grant names, and nothing else, even if the
 * API requires no tokens. Leaves requests without a grant's token to the next guards.
 */
export function grantGuard(grants: Pick<Grants, 'check'>): RequestHandler {
  return async (req, res, next) => {
    const token = bearerToken(req.headers.authorization)
    if (token === undefined || !isGrantToken(token)) return next()
    const read = grantedRead(req)
    if (read === undefined) {
      throw new Problem(
        'forbidden',
        "This token reads one job's results (GET /job/<id>/result) and nothing else",
      )
    }
    const grant = await check(grants, token, read, res)
    Object.assign(res.locals, { grant, token: `grant ${grant}` })
    next()
  }
}

async function check(
  grants: Pick<Grants, 'check'>,
  token: string,
  read: GrantedRead,
  res: Response,
): Promise<string> {
  try {
    return await grants.check(token, read)
  } catch (error) {
    if (error instanceof Problem && error.code === 'unauthorized') {
      res.set('WWW-Authenticate', `Bearer realm="jobferry", error="invalid_token"`)
    }
    throw error
  }
}

/**
 * The read that a request asks for; undefined for any other request. Only plain paths and known
 * parameters are accepted, so that no route interprets the request differently from this check.
 */
function grantedRead({ method, path, originalUrl }: Request): GrantedRead | undefined {
  const [, job, list] = /^\/job\/([0-9a-f-]{36})\/result(\/list)?$/.exec(path) ?? []
  if (job === undefined || (method !== 'GET' && method !== 'HEAD')) return undefined
  if (list !== undefined) {
    rawQuery(originalUrl, [...listParameters, 'wait'])
    return { job, what: 'list', files: [] }
  }
  const query = rawQuery(originalUrl, ['file', 'format', 'wait'])
  return { job, what: 'result', files: query.get('file') ?? [] }
}
