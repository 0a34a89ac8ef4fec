import { type Request, type Response, Router } from 'express'
import { jobLinks } from '../../job/links.ts'
import type { ArchiveRequest } from '../../results/archive.ts'
import { archiveFormat } from '../../results/archive-format.ts'
import { listParameters, parseListQuery } from '../../results/list.ts'
import { flagParameter, rawQuery, single } from '../../results/raw-query.ts'
import type { Results } from '../../results/results.ts'
import type { FileRequest } from '../../results/serve/file.ts'
import { invalid } from '../../util/errors.ts'
import { jobId } from '../input/job-id.ts'
import { waitAsAsked } from '../input/wait.ts'
import type { Downloads } from '../limits/downloads.ts'
import type { HttpOptions } from '../options.ts'
import { clientDisconnect } from '../server/client-disconnect.ts'
import { route } from '../server/route.ts'
import { sendAnswer } from '../server/send-answer.ts'
import { countDownload, sendFileAnswer } from '../server/send-file-answer.ts'
import type { Services } from '../services.ts'

const json = 'application/json'
const ndjson = 'application/x-ndjson'

/** `/job/:id/result` and `/job/:id/result/list`. */
export function resultRoutes(
  results: Results,
  services: Pick<Services, 'jobs' | 'metrics' | 'log' | 'shutdown'> & { downloads: Downloads },
  options: Pick<HttpOptions, 'publicUrl' | 'waitMaxSeconds'>,
): Router {
  const router = Router()
  const send = resultSender(results, services)

  route(router, '/job/:id/result', {
    async get(req, res) {
      const uuid = jobId(req)
      const query = rawQuery(req.originalUrl, ['file', 'format', 'redirect', 'so_far', 'wait'])
      const asked = parseResultQuery(query)
      await wait(req, res, uuid, query)
      await send(req, res, uuid, asked)
    },
  })

  route(router, '/job/:id/result/list', {
    async get(req, res) {
      const uuid = jobId(req)
      const raw = rawQuery(req.originalUrl, [...listParameters, 'wait'])
      const query = parseListQuery(raw)
      await wait(req, res, uuid, raw)
      const signal = clientDisconnect(res)
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

  /** Waits for the job's end if the caller prefers that to a 409. */
  async function wait(req: Request, res: Response, uuid: string, query: ReadonlyMap<string, Buffer[]>) {
    await waitAsAsked(req, res, uuid, single(query, 'wait')?.toString('latin1'), services, options)
  }
}

/** Answers with one file of a job's results, or an archive, as the query asks; `headers` are added. */
export function resultSender(
  results: Results,
  services: Pick<Services, 'metrics' | 'log'> & { downloads: Downloads },
) {
  return async (
    req: Request,
    res: Response,
    uuid: string,
    { file, paths, format, redirect, soFar }: ReturnType<typeof parseResultQuery>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    if (file !== undefined) {
      await resultFileSender(results, services, headers)(req, res, uuid, file, { redirect, soFar })
      return
    }
    const request: ArchiveRequest = { paths, format, soFar, signal: clientDisconnect(res) }
    const archive = bodyless(req, await results.archive(uuid, request))
    const answer = { ...archive, headers: { ...archive.headers, ...headers } }
    const bytes = await sendAnswer(res, answer, services)
    if (answer.body !== undefined) countDownload(services, format.kind, bytes)
  }
}

/** `file`: the one file that is sent as it is; undefined if an archive is asked for. */
export function parseResultQuery(query: ReadonlyMap<string, Buffer[]>) {
  const paths = query.get('file') ?? []
  if (paths.some((path) => path.length === 0)) {
    throw invalid('file', 'is empty', 'a path of the result list')
  }
  const named = single(query, 'format')?.toString('latin1')
  const format = archiveFormat(named)
  const redirect = flagParameter(query, 'redirect') ?? false
  const soFar = flagParameter(query, 'so_far') ?? false
  const file = paths.length === 1 && named === undefined ? paths[0] : undefined
  return { file, paths, format, redirect, soFar }
}

/**
 * Answers a request with one file of a job's results, by the request's method and headers; its URL
 * is not used. `replaced` are headers that replace the file's own.
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
    await sendFileAnswer(req, res, services, async (request) => {
      const answer = await results.file(uuid, Buffer.from(path), { ...request, ...how })
      return { ...answer, headers: { ...answer.headers, ...replaced } }
    })
  }
}

/** Removes the body from the answer to a HEAD, so that nothing is read for it. */
function bodyless<T extends { body?: unknown }>(req: Request, answer: T): T {
  if (req.method !== 'HEAD') return answer
  const { body: _body, ...headers } = answer
  return headers as T
}
