import { type Request, Router } from 'express'
import { Problem } from '../../util/errors.ts'
import { readJsonBody } from '../input/body.ts'
import { readQuery } from '../input/query.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

/**
 * Registration of control planes' endpoints (Dataplane Signaling, "Control Plane Registration").
 */
export function controlPlaneRoutes({ signaling }: Pick<Services, 'signaling'>): Router {
  const router = Router()
  route(router, '/controlplanes', {
    async put(req, res) {
      await signaling.register(await jsonBody(req))
      res.status(200).end()
    },
  })
  route(router, '/controlplanes/:id', {
    async put(req, res) {
      await signaling.register(await jsonBody(req), String(req.params.id))
      res.status(200).end()
    },
    async delete(req, res) {
      readQuery(req, [])
      const id = String(req.params.id)
      if (!(await signaling.unregister(id))) throw new Problem('not-found', `There is no control plane ${id}`)
      res.status(204).end()
    },
  })
  return router
}

async function jsonBody(req: Request): Promise<unknown> {
  readQuery(req, [])
  return await readJsonBody(req)
}
