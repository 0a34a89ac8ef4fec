import type { Request, RequestHandler, Response } from 'express'
import { type GrantedRead, type Grants, isGrantToken } from '../completion/grants/grants.ts'
import { Problem } from '../errors.ts'
import { listParameters } from '../result/list.ts'
import { rawQuery } from '../result/raw-query.ts'
import { bearerToken } from './access.ts'

/**
 * Lets the token of a grant read what the grant is for, and nothing else; whatever else is configured, it is judged
 * as what it is. Others are none of its business.
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
    res.locals.token = `grant ${await check(grants, token, read, res)}`
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

/** Only paths in their plain form, and only parameters that are known here: what is refused here is read nowhere. */
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
