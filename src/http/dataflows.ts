import { type Request, type Response, Router } from 'express'
import { type Signal, signals } from '../completion/signaling/signals.ts'
import { contentType, parseJson, readBody, unsupported } from './body.ts'
import type { HttpOptions } from './options.ts'
import { readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

/** The data plane's endpoints of Dataplane Signaling. */
export function dataflowRoutes(services: Pick<Services, 'signaling'>, options: HttpOptions): Router {
  const router = Router()
  for (const kind of ['start', 'prepare'] as const) {
    route(router, `/dataflows/${kind}`, { post: (req, res) => begin(req, res, kind, services, options) })
  }
  for (const message of signals) {
    route(router, `/dataflows/:id/${message}`, { post: (req, res) => signal(req, res, message, services) })
  }
  route(router, '/dataflows/:id/status', {
    async get(req, res) {
      readQuery(req, [])
      res.json(await services.signaling.status(flowId(req)))
    },
  })
  return router
}

async function begin(
  req: Request,
  res: Response,
  kind: 'start' | 'prepare',
  { signaling }: Pick<Services, 'signaling'>,
  { publicUrl }: HttpOptions,
): Promise<void> {
  readQuery(req, [])
  const body = await jsonBody(req)
  const { message, waits, answered } = await signaling.begin(
    kind,
    body,
    res.locals.token as string | undefined,
  )
  // `close` comes in any case, `finish` only where all of the answer was handed over. A caller who went away while the
  // flow began has closed it already, and it isn't said twice.
  if (res.closed) answered(false)
  else res.once('close', () => answered(res.writableFinished))
  if (waits) res.status(202).location(statusPath(message.dataFlowId, publicUrl))
  res.json(message)
}

/** Relative, as the specification has it; below the path that a proxy may put before this API. */
function statusPath(id: string, publicUrl = 'http://localhost'): string {
  return `${new URL(publicUrl).pathname.replace(/\/$/, '')}/dataflows/${encodeURIComponent(id)}/status`
}

async function signal(
  req: Request,
  res: Response,
  message: Signal,
  { signaling }: Pick<Services, 'signaling'>,
): Promise<void> {
  readQuery(req, [])
  const body = message === 'completed' ? undefined : await jsonBody(req)
  res.json(await signaling.signal(flowId(req), message, body))
}

async function jsonBody(req: Request): Promise<unknown> {
  if (contentType(req) !== 'application/json') throw unsupported('application/json')
  return parseJson(await readBody(req), 'body')
}

function flowId(req: Request): string {
  return String(req.params.id)
}
