import { createHash } from 'node:crypto'
import { type Response, Router } from 'express'
import { Problem } from '../../util/errors.ts'
import { version } from '../../util/version.ts'
import { readQuery } from '../input/query.ts'
import type { HttpOptions } from '../options.ts'
import { route } from '../server/route.ts'
import { page, pagePolicy, pageScript, viewerFiles, viewerFolder } from './page.ts'

/** The OpenAPI document, and a page that shows it. They hold no secrets and need no token. */
export function openApiRoutes({ publicUrl }: Pick<HttpOptions, 'publicUrl'>): Router {
  const router = Router()
  let written: Promise<Written> | undefined

  route(router, '/openapi.json', {
    async get(req, res) {
      readQuery(req, [])
      written ??= write(publicUrl)
      const { bytes, etag } = await written
      res.set({ ETag: etag, 'Cache-Control': 'no-cache' })
      if (req.fresh) res.status(304).end()
      else res.type('application/json').end(bytes)
    },
  })

  route(router, '/docs', {
    get(req, res) {
      readQuery(req, [])
      res.set('Content-Security-Policy', pagePolicy)
      res.type('html').end(page(req.path.endsWith('/')))
    },
  })

  route(router, '/docs/:file', {
    async get(req, res) {
      const { file } = req.params
      readQuery(req, [])
      if (file === 'page.js') res.type('js').end(pageScript)
      else if (viewerFiles.some((known) => known === file)) await sendViewerFile(res, String(file))
      else throw new Problem('not-found', `There is nothing at ${req.path}`)
    },
  })
  return router
}

interface Written {
  bytes: Buffer
  etag: string
}

/** Made once, on the first request: its parts take memory that most replicas never need. */
async function write(publicUrl: string | undefined): Promise<Written> {
  const { openApiDocument } = await import('./document.ts')
  const bytes = Buffer.from(JSON.stringify(openApiDocument(version, publicUrl)))
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('hex')}"` }
}

function sendViewerFile(res: Response, name: string): Promise<void> {
  const options = { root: viewerFolder(), cacheControl: false, headers: { 'Cache-Control': 'no-cache' } }
  return new Promise((resolve, reject) => {
    res.sendFile(name, options, (error) => (error ? reject(error) : resolve()))
  })
}
