import { type Request, Router } from 'express'
import type { EnvironmentInfo } from '../../job/backend.ts'
import { parseEnvFile } from '../../job/request/env-file.ts'
import { isDnsLabel } from '../../job/request/syntax.ts'
import { invalid } from '../../util/errors.ts'
import { contentType, readBody, unsupported } from '../input/body.ts'
import { readForm } from '../input/multipart.ts'
import { flagOf, readQuery } from '../input/query.ts'
import type { HttpOptions } from '../options.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

export function environmentRoutes({ backend }: Services, options: HttpOptions): Router {
  const router = Router()
  const link = (id: string) => `${options.publicUrl ?? ''}/resource/env/${id}`
  const linked = (info: EnvironmentInfo) => ({ ...info, links: { self: link(info.id) } })

  route(router, '/resource/env', {
    async get(req, res) {
      readQuery(req, [])
      const environments = await backend.environments.list()
      res.json({ environments: environments.map(linked), next: null })
    },
    async post(req, res) {
      const secret = flagOf(readQuery(req, ['secret']), 'secret')
      const variables = parseEnvFile(await readEnvFile(req))
      const info = await backend.environments.create(variables, secret)
      res.status(201).location(link(info.id)).json(linked(info))
    },
  })

  route(router, '/resource/env/:id', {
    async delete(req, res) {
      const { id } = req.params
      if (typeof id !== 'string' || !id.startsWith('env-') || !isDnsLabel(id)) {
        throw invalid('id', 'is not an id of an environment', 'env-…, as POST /resource/env gives it')
      }
      readQuery(req, [])
      await backend.environments.remove(id)
      res.status(204).end()
    },
  })
  return router
}

async function readEnvFile(req: Request): Promise<Buffer> {
  const type = contentType(req)
  if (type === 'text/plain') return await readBody(req)
  if (type !== 'multipart/form-data') throw unsupported('multipart/form-data or text/plain')
  const file = (await readForm(req, { texts: ['env_file'] })).get('env_file')
  if (!file) throw invalid('env_file', 'is missing', 'a part with lines of NAME=value')
  return file
}
