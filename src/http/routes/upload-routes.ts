import { PassThrough } from 'node:stream'
import { type Request, type Response, Router } from 'express'
import type { KeptUpload } from '../../lifecycle/uploads/shelf.ts'
import { type PutConditions, uploadTooLarge } from '../../lifecycle/uploads/uploads.ts'
import { contentsJob } from '../../result-format/upload-keys.ts'
import { foreignFileHeaders } from '../../results/serve/answer.ts'
import { readableFileAnswer } from '../../results/serve/file.ts'
import { invalid, Problem } from '../../util/errors.ts'
import { callerOf } from '../deploy-job.ts'
import { contentType, refuseEncoded, unsupported } from '../input/body.ts'
import { integerOf, readQuery } from '../input/query.ts'
import type { Downloads } from '../limits/downloads.ts'
import type { HttpOptions } from '../options.ts'
import { nextLink } from '../server/next-link.ts'
import { route } from '../server/route.ts'
import { sendFileAnswer } from '../server/send-file-answer.ts'
import type { Services } from '../services.ts'

const defaultLimit = 100
const maxLimit = 10_000

/** `/upload` and `/upload/:name`: inputs that a caller keeps for several jobs. */
export function uploadRoutes(
  services: Services & { downloads: Downloads },
  options: Pick<HttpOptions, 'publicUrl' | 'inputMaxBytes'>,
): Router {
  const { uploads } = services
  const router = Router()
  const link = (name: string) => `${options.publicUrl ?? ''}/upload/${encodeURIComponent(name)}`
  const shown = ({ name, size, sha256, modified_at }: KeptUpload) => {
    return { name, size, sha256, modified_at, from: `upload:${name}`, links: { self: link(name) } }
  }

  route(router, '/upload', {
    async get(req, res) {
      const query = readQuery(req, ['limit', 'after'])
      const limit = integerOf(query, 'limit', 1, maxLimit) ?? defaultLimit
      const after = query.get('after')
      const page = await uploads.list(callerOf(res), after === undefined ? { limit } : { limit, after })
      const last = page.more ? page.uploads.at(-1)?.name : undefined
      const next = nextLink('/upload', { limit: query.get('limit'), after: last }, options.publicUrl)
      res.json({ uploads: page.uploads.map(shown), next })
    },
  })

  route(router, '/upload/:name', {
    async put(req, res) {
      readQuery(req, [])
      refuseEncoded(req)
      refusePart(req)
      const { inputMaxBytes } = options
      if (Number(req.headers['content-length'] ?? 0) > inputMaxBytes) throw uploadTooLarge(inputMaxBytes)
      const { upload, isNew } = await withBodyOf(req, (body) =>
        uploads.put(callerOf(res), nameOf(req), body, conditionsOf(req)),
      )
      res.status(isNew ? 201 : 200).set('ETag', `"${upload.sha256}"`)
      if (isNew) res.location(link(upload.name))
      res.json(shown(upload))
    },

    async get(req, res) {
      readQuery(req, [])
      await sendUpload(services, req, res)
    },

    async delete(req, res) {
      readQuery(req, [])
      await uploads.remove(callerOf(res), nameOf(req), conditionsOf(req))
      res.status(204).end()
    },
  })
  return router
}

async function sendUpload(
  services: Services & { downloads: Downloads },
  req: Request,
  res: Response,
): Promise<void> {
  const { uploads, resultOpener } = services
  const { owner, name, content, size, sha256, etag, modified_at } = await uploads.get(
    callerOf(res),
    nameOf(req),
  )
  const source = resultOpener.filesAt({ uuid: contentsJob, attempt: owner, of: 'the uploads' })
  const file = { path: name, type: 'file' as const, key: content, size, sha256, etag, mtime: modified_at }
  const shownAs = { path: Buffer.from(name), name, headers: foreignFileHeaders() }
  await sendFileAnswer(req, res, services, (request) => readableFileAnswer(source, file, shownAs, request))
}

/** A part of a file would be kept as the whole (RFC 9110 §14.5), and a form with its boundaries. */
function refusePart(req: Request): void {
  if (req.headers['content-range'] !== undefined)
    throw invalid('Content-Range', 'is not supported', 'the whole file in one body')
  if (contentType(req)?.startsWith('multipart/')) throw unsupported('bytes, without a form')
}

function nameOf({ params }: Request): string {
  return typeof params.name === 'string' ? params.name : ''
}

/** If-Match and If-None-Match of a request that changes something (RFC 9110 §13.1). */
function conditionsOf({ headers }: Request): PutConditions {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers
  return (there) => {
    if (ifMatch !== undefined && !isListed(ifMatch, there)) throw failed('If-Match', there)
    if (ifNoneMatch !== undefined && isListed(ifNoneMatch, there)) throw failed('If-None-Match', there)
  }
}

function isListed(list: string, there: KeptUpload | undefined): boolean {
  if (there === undefined) return false
  return list.trim() === '*' || list.split(',').some((tag) => tag.trim() === `"${there.sha256}"`)
}

function failed(header: string, there: KeptUpload | undefined): Problem {
  const what = there === undefined ? 'there is no such upload' : `the upload has the ETag "${there.sha256}"`
  return new Problem('precondition-failed', `${header}: ${what}`)
}

/** Lets `use` read the body as a stream whose failure does not end the connection, over which the answer goes. */
async function withBodyOf<T>(req: Request, use: (body: PassThrough) => Promise<T>): Promise<T> {
  const body = new PassThrough()
  // `use` may not read yet, or not at all: without a listener, an error would end the program.
  body.on('error', () => {})
  const cut = () => {
    if (!req.readableEnded) body.destroy(new Error('the connection was closed'))
  }
  req.once('close', cut)
  if (req.destroyed) cut()
  try {
    return await use(req.pipe(body))
  } finally {
    // Otherwise the pipe would hold back what is left of the body.
    req.unpipe(body)
    body.destroy()
  }
}
