import type { Request, Response, Router } from 'express'
import { Problem } from '../../util/errors.ts'

export type Handler = (req: Request, res: Response) => void | Promise<void>

export interface Handlers {
  get?: Handler
  post?: Handler
  put?: Handler
  delete?: Handler
}

/**
 * Serves the given methods of a path; other methods get 405 and an Allow header. `get` also answers
 * HEAD, unless `noHead`.
 */
export function route(router: Router, path: string, handlers: Handlers, options?: { noHead: boolean }): void {
  const allowed = Object.keys(handlers).map((method) => method.toUpperCase())
  if (handlers.get && !options?.noHead) allowed.push('HEAD')
  const chain = router.route(path)
  chain.all(async (req, res) => {
    const method = req.method === 'HEAD' ? 'GET' : req.method
    const handler = handlers[method.toLowerCase() as keyof Handlers]
    if (!allowed.includes(req.method) || !handler) {
      res.set('Allow', allowed.join(', '))
      throw new Problem('method-not-allowed', `${req.method} is not allowed here, but ${allowed.join(', ')}`)
    }
    await handler(req, res)
  })
}
