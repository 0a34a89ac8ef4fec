import { type Request, type Response, Router } from 'express'
import { type Signal, signals } from '../../dataspaces/signaling/signals.ts'
import { readJsonBody } from '../input/body.ts'
import { readQuery } from '../input/query.ts'
import type { HttpOptions } from '../options.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

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
  const body = await readJsonBody(req)
  const { message, waits, answered } = await signaling.begin(
    kind,
    body,
    res.locals.token as string | undefined,
  )
  // `close` is always emitted, `finish` only after the whole answer was handed over. If the client
  // disconnected while the flow began, `close` has been emitted already and is not repeated.
  if (res.closed) answered(false)
  else res.once('close', () => answered(res.writableFinished))
  if (waits) res.status(202).location(statusPath(message.dataFlowId, publicUrl))
  res.json(message)
}

/** A relative URL, as specified, below the path under which a proxy may serve this API. */
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
  const body = message === 'completed' ? undefined : await readJsonBody(req)
  res.json(await signaling.signal(flowId(req), message, body))
}

function flowId(req: Request): string {
  return String(req.params.id)
}
