import type { ErrorRequestHandler } from 'express'
import type { Services } from '../services.ts'
import { abortResponse } from './abort-response.ts'
import { problemDocument, retryAfter, statusOf, toProblem } from './problem.ts'
import { describe } from './request-log.ts'

/** Headers of a file that a route may have set before it failed. */
const headersOfContent = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Length',
  'ETag',
  'Last-Modified',
  'Repr-Digest',
]

/**
 * Answers with a route's error. Resets an answer already begun, so that it does not look complete.
 */
export function errorHandler({ log, metrics }: Pick<Services, 'log' | 'metrics'>): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const problem = toProblem(error)
    if (['internal', 'unavailable', 'refused'].includes(problem.code)) {
      // A write fails before the response's `close`: the request and its socket show the
      // disconnect.
      const gone = res.closed || req.destroyed || req.socket.destroyed
      log[gone ? 'debug' : 'error']({ ...describe(req, res), error: problem.cause ?? problem }, problem.code)
    }
    if (res.headersSent || res.destroyed) {
      abortResponse(res)
      return
    }
    metrics.problems.inc({ code: problem.code })
    for (const name of headersOfContent) res.removeHeader(name)
    const seconds = retryAfter(problem)
    if (seconds !== undefined) res.set('Retry-After', String(Math.ceil(seconds)))
    res.status(statusOf(problem.code))
    res.set({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
    res.end(JSON.stringify(problemDocument(problem)))
  }
}
