import { type Response, Router } from 'express'
import type { StreamReader } from '../completion/events/streams.ts'
import { cut } from './cut.ts'
import { jobId, unknownJob } from './job-id.ts'
import { readQuery } from './query.ts'
import { route } from './route.ts'
import type { Services } from './services.ts'

/** Streams of what happens to jobs, for those who would rather be told than ask. */
export function eventRoutes({
  jobs,
  completion,
  shutdown,
}: Pick<Services, 'jobs' | 'completion' | 'shutdown'>): Router {
  const router = Router()
  const { events } = completion

  route(router, '/events', {
    get(req, res) {
      readQuery(req, [])
      if (begin(res)) untilClosed(res, shutdown, events.openAll(readerOf(res), req.get('last-event-id')))
    },
  })

  route(router, '/job/:id/events', {
    async get(req, res) {
      const uuid = jobId(req)
      readQuery(req, [])
      const lastId = req.get('last-event-id')
      const job = await jobs.get(uuid)
      if (!job) throw unknownJob(uuid)
      // An EventSource asks no more then.
      if (events.isOver(job, lastId)) res.status(204).end()
      else if (begin(res)) {
        untilClosed(
          res,
          shutdown,
          events.openJob(uuid, () => jobs.get(uuid), readerOf(res), lastId),
        )
      }
    },
  })
  return router
}

/** Sends the headers; false where nothing else is asked for. */
function begin(res: Response): boolean {
  res.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
  if (res.req.method === 'HEAD') {
    res.end()
    return false
  }
  res.flushHeaders()
  return true
}

function readerOf(res: Response): StreamReader {
  return {
    write(bytes) {
      if (!res.destroyed && !res.writableEnded) res.write(bytes)
    },
    get waiting() {
      return res.writableLength
    },
    end: () => void res.end(),
    cut: () => cut(res),
  }
}

function untilClosed(res: Response, shutdown: AbortSignal, end: () => void): void {
  const finish = () => void res.end()
  shutdown.addEventListener('abort', finish)
  if (shutdown.aborted) finish()
  const done = () => {
    shutdown.removeEventListener('abort', finish)
    end()
  }
  // A caller may have gone while the job was asked for.
  if (res.closed || res.req.socket.destroyed) done()
  else res.once('close', done)
}
