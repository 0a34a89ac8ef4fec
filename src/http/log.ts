import { pipeline } from 'node:stream/promises'
import { type Response, Router } from 'express'
import { invalid } from '../errors.ts'
import type { ContainerLog, ContainerName, LogOptions } from '../job/backend.ts'
import { cut } from './cut.ts'
import { callerGone } from './gone.ts'
import { jobId } from './job-id.ts'
import { flagOf, integerOf, readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

const maxTail = 1_000_000_000

export function logRoutes({ jobs, shutdown }: Services): Router {
  const router = Router()
  route(router, '/job/:id/log', {
    async get(req, res) {
      const uuid = jobId(req)
      const query = readQuery(req, ['container', 'follow', 'tail'])
      const tail = integerOf(query, 'tail', 0, maxTail)
      const options: LogOptions = {
        container: containerOf(query),
        follow: flagOf(query, 'follow') && req.method !== 'HEAD',
        signal: AbortSignal.any([callerGone(res), shutdown]),
        ...(tail !== undefined && { tail }),
      }
      await send(res, await jobs.log(uuid, options), tail)
    },
  })
  return router
}

/** Writes the log; where it breaks off the connection is cut, so that no part of it looks like the whole. */
async function send(res: Response, log: ContainerLog, tail: number | undefined): Promise<void> {
  res.set('Content-Type', 'text/plain; charset=utf-8')
  if (tail === undefined) res.set('Jobferry-Log-Beginning', beginningOf(log))
  if (res.req.method === 'HEAD') {
    log.stream.destroy()
    res.end()
    return
  }
  res.flushHeaders()
  log.stream.once('error', () => cut(res))
  await pipeline(log.stream, res)
}

function containerOf(query: ReadonlyMap<string, string>): ContainerName {
  const name = query.get('container') ?? 'worker'
  if (name === 'worker' || name === 'uploader') return name
  throw invalid('container', 'is unknown', 'worker or uploader')
}

/** `unknown`: the kubelet rotates logs away at 10 MiB, and a late first line may be that or a quiet start. */
function beginningOf({ fromBeginning }: ContainerLog): 'present' | 'missing' | 'unknown' {
  if (fromBeginning === undefined) return 'unknown'
  return fromBeginning ? 'present' : 'missing'
}
