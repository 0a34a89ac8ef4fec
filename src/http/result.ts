import { type Request, type Response, Router } from 'express'
import { invalid } from '../errors.ts'
import { jobLinks } from '../job/links.ts'
import { archiveFormat } from '../result/archive-format.ts'
import { type FileRequest, UnsatisfiableRange } from '../result/file.ts'
import { listParameters, parseListQuery } from '../result/list.ts'
import { flag, rawQuery, single } from '../result/raw-query.ts'
import type { Results, TarRequest } from '../result/results.ts'
import type { Downloads } from './downloads.ts'
import { callerGone } from './gone.ts'
import { jobId } from './job-id.ts'
import type { HttpOptions } from './options.ts'
import { route } from './route.ts'
import { sendAnswer } from './send-answer.ts'
import type { Services } from './services.ts'
import { waitAsAsked } from './wait.ts'

const json = 'application/json'
const ndjson = 'application/x-ndjson'

/** `/job/:id/result` and `/job/:id/result/list`. */
export function resultRoutes(
  results: Results,
  services: Pick<Services, 'jobs' | 'metrics' | 'log' | 'shutdown'> & { downloads: Downloads },
  options: Pick<HttpOptions, 'publicUrl' | 'waitMaxSeconds'>,
): Router {
  const router = Router()
  const sendFile = resultFileSender(results, services)

  route(router, '/job/:id/result', {
    async get(req, res) {
      const uuid = jobId(req)
      const query = rawQuery(req.originalUrl, ['file', 'format', 'redirect', 'so_far', 'wait'])
      const files = query.get('file') ?? []
      if (files.some((file) => file.length === 0)) {
        throw invalid('file', 'is empty', 'a path of the result list')
      }
      const named = single(query, 'format')?.toString('latin1')
      const format = archiveFormat(named)
      const redirect = flag(query, 'redirect') ?? false
      const soFar = flag(query, 'so_far') ?? false
      const [only] = files
      const asItIs = only !== undefined && files.length === 1 && named === undefined
      await wait(req, res, uuid, query)
      await (asItIs
        ? sendFile(req, res, uuid, only, { redirect, soFar })
        : sendTar(req, res, uuid, { paths: files, format, soFar }))
    },
  })

  route(router, '/job/:id/result/list', {
    async get(req, res) {
      const uuid = jobId(req)
      const raw = rawQuery(req.originalUrl, [...listParameters, 'wait'])
      const query = parseListQuery(raw)
      await wait(req, res, uuid, raw)
      const signal = callerGone(res)
      if (req.accepts([json, ndjson]) === ndjson) {
        await sendAnswer(res, bodyless(req, await results.lines(uuid, query, signal)), services)
        return
      }
      const self = jobLinks(uuid, options.publicUrl).result_list
      const { headers, list } = await results.list(uuid, query, self, signal)
      res.set(headers).json(list)
    },
  })
  return router

  /** A caller who would rather wait than get 409. */
  async function wait(req: Request, res: Response, uuid: string, query: ReadonlyMap<string, Buffer[]>) {
    await waitAsAsked(req, res, uuid, single(query, 'wait')?.toString('latin1'), services, options)
  }

  async function sendTar(req: Request, res: Response, uuid: string, request: TarRequest): Promise<void> {
    const answer = bodyless(req, await results.tar(uuid, { ...request, signal: callerGone(res) }))
    const bytes = await sendAnswer(res, answer, services)
    if (answer.body !== undefined) services.metrics.downloaded('tar', bytes)
  }
}

/**
 * Answers a request with one file of a job's results: its headers and method count, its address doesn't.
 * `replaced` are headers that stand instead of the file's own.
 */
export function resultFileSender(
  results: Results,
  services: Pick<Services, 'metrics' | 'log'> & { downloads: Downloads },
  replaced: Readonly<Record<string, string>> = {},
) {
  return async (
    req: Request,
    res: Response,
    uuid: string,
    path: string | Uint8Array,
    how: Pick<FileRequest, 'redirect' | 'soFar'> = {},
  ): Promise<void> => {
    const { method, headers } = req
    try {
      const request = { method, headers, ...how, signal: callerGone(res) }
      const answer = await results.file(uuid, Buffer.from(path), request)
      const headed = { ...answer, headers: { ...answer.headers, ...replaced } }
      const bytes = await sendAnswer(res, headed, services)
      if (answer.body !== undefined) services.metrics.downloaded('file', bytes)
    } catch (error) {
      if (error instanceof UnsatisfiableRange) res.set('Content-Range', `bytes */${error.size}`)
      throw error
    }
  }
}

/** A HEAD gets the headers alone, and nothing is read for it. */
function bodyless<T extends { body?: unknown }>(req: Request, answer: T): T {
  if (req.method !== 'HEAD') return answer
  const { body: _body, ...headers } = answer
  return headers as T
}
