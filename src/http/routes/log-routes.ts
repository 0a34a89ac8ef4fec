import { pipeline } from 'node:stream/promises'
import { type Response, Router } from 'express'
import type { ContainerLog, ContainerName, ReadLogOptions } from '../../job/backend.ts'
import { invalid } from '../../util/errors.ts'
import { defined } from '../../util/objects.ts'
import { textKind } from '../../util/text/text-kind.ts'
import { jobId } from '../input/job-id.ts'
import { flagOf, integerOf, readQuery } from '../input/query.ts'
import { abortResponse } from '../server/abort-response.ts'
import { clientDisconnect } from '../server/client-disconnect.ts'
import { readBeginning } from '../server/read-beginning.ts'
import { route } from '../server/route.ts'
import type { Services } from '../services.ts'

const maxTail = 1_000_000_000
const maxAttempt = 1_000_000

export function logRoutes({ jobs, shutdown }: Services): Router {
  const router = Router()
  route(router, '/job/:id/log', {
    async get(req, res) {
      const uuid = jobId(req)
      const query = readQuery(req, ['container', 'step', 'follow', 'tail', 'attempt'])
      const tail = integerOf(query, 'tail', 0, maxTail)
      const attempt = integerOf(query, 'attempt', 1, maxAttempt)
      const step = query.get('step')
      const options: ReadLogOptions = {
        container: containerOf(query),
        follow: flagOf(query, 'follow') && req.method !== 'HEAD',
        signal: AbortSignal.any([clientDisconnect(res), shutdown]),
        ...defined({ tail, attempt, step }),
      }
      await send(res, await jobs.log(uuid, options), options)
    },
  })
  return router
}

/** Enough to see whether a log is UTF-8. */
const lookBytes = 16 * 1024
/** Milliseconds for these bytes; a log that is followed may be silent for long. */
const patience = { whole: 10_000, followed: 1_000 }

/**
 * Writes the log. If it breaks off, the connection is reset, so that a part does not look complete.
 */
async function send(res: Response, log: ContainerLog, { tail, follow }: ReadLogOptions): Promise<void> {
  const { first, isWhole, all } = await readBeginning(
    log.stream,
    lookBytes,
    follow ? patience.followed : patience.whole,
  )
  // express' set() would claim charset=utf-8 for every text.
  // Most logs are UTF-8, also those whose first lines are ASCII: only bytes that are not disprove it.
  const charset = textKind(first, isWhole).utf8 === 'no' ? '' : '; charset=utf-8'
  res.setHeader('Content-Type', `text/plain${charset}`)
  if (tail === undefined) res.set('Jobferry-Log-Beginning', beginningOf(log))
  if (res.req.method === 'HEAD') {
    log.stream.destroy()
    res.end()
    return
  }
  res.flushHeaders()
  log.stream.once('error', () => abortResponse(res))
  await pipeline(all, res)
}

function containerOf(query: ReadonlyMap<string, string>): ContainerName {
  const name = query.get('container') ?? 'worker'
  if (name === 'uploader' && query.has('step')) {
    throw invalid('step', 'is given with the uploader', 'a step, or the container uploader')
  }
  if (name === 'worker' || name === 'uploader') return name
  throw invalid('container', 'is unknown', 'worker or uploader')
}

/**
 * `unknown`: the kubelet rotates logs at 10 MiB, and a late first line means either a rotation or a
 * start without output.
 */
function beginningOf({ fromBeginning }: ContainerLog): 'present' | 'missing' | 'unknown' {
  if (fromBeginning === undefined) return 'unknown'
  return fromBeginning ? 'present' : 'missing'
}
