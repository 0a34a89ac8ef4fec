import type { ErrorRequestHandler } from 'express'
import { cut } from './cut.ts'
import { problemDocument, retryAfter, statusOf, toProblem } from './problem.ts'
import { describe } from './request-log.ts'
import type { Services } from './services.ts'

/** What a route may have set for an answer that it didn't come to send. */
const headersOfContent = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Length',
  'ETag',
  'Last-Modified',
  'Repr-Digest',
]

/** Answers whatever a route rejected with; an answer already begun is cut, so that it can't pass for a whole one. */
export function errorHandler({ log, metrics }: Pick<Services, 'log' | 'metrics'>): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const problem = toProblem(error)
    if (['internal', 'unavailable', 'refused'].includes(problem.code)) {
      // A failed write is heard of before the connection's end.
      const gone = res.closed || req.destroyed || req.socket.destroyed
      log[gone ? 'debug' : 'error']({ ...describe(req, res), error: problem.cause ?? problem }, problem.code)
    }
    if (res.headersSent || res.destroyed) {
      cut(res)
      return
    }
    metrics.failed(problem.code)
    for (const name of headersOfContent) res.removeHeader(name)
    const seconds = retryAfter(problem)
    if (seconds !== undefined) res.set('Retry-After', String(Math.ceil(seconds)))
    res.status(statusOf(problem.code))
    res.set({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
    res.end(JSON.stringify(problemDocument(problem)))
  }
}
