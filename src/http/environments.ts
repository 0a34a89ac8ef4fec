import { type Request, type Response, Router } from 'express'
import { invalid } from '../errors.ts'
import type { EnvironmentInfo } from '../job/backend.ts'
import { parseEnvFile } from '../job/env-file.ts'
import { isDnsLabel } from '../job/syntax.ts'
import { contentType, readBody, unsupported } from './body.ts'
import { readForm } from './multipart.ts'
import type { HttpOptions } from './options.ts'
import { flagOf, readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

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
      const variables = parseEnvFile(await readEnvFile(req, res))
      if (Object.keys(variables).length === 0) throw invalid('env_file', 'is empty', 'lines of NAME=value')
      const info = await backend.environments.create(variables, secret)
      res.status(201).location(link(info.id)).json(linked(info))
    },
  })

  route(router, '/resource/env/:id', {
    async delete(req, res) {
      const { id } = req.params
      if (typeof id !== 'string' || !id.startsWith('env-') || !isDnsLabel(id)) {
        throw invalid('id', 'is no id of an environment', 'env-…, as POST /resource/env gives it')
      }
      readQuery(req, [])
      await backend.environments.remove(id)
      res.status(204).end()
    },
  })
  return router
}

async function readEnvFile(req: Request, res: Response): Promise<Buffer> {
  const type = contentType(req)
  if (type === 'text/plain') return await readBody(req)
  if (type !== 'multipart/form-data') throw unsupported('multipart/form-data or text/plain')
  const file = (await readForm(req, res, { texts: ['env_file'] })).get('env_file')
  if (!file) throw invalid('env_file', 'is missing', 'a part with lines of NAME=value')
  return file
}
