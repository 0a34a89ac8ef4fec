import type { ErrorRequestHandler } from 'express'
import { problemDocument, retryAfter, statusOf, toProblem } from './problem.ts'
import { describe } from './request-log.ts'
import type { Services } from './services.ts'

/** Answers whatever a route rejected with; an answer already begun is cut, so that it can't pass for a whole one. */
export function errorHandler({ log, metrics }: Services): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const problem = toProblem(error)
    if (problem.code === 'internal' || problem.code === 'unavailable') {
      const gone = res.closed || req.destroyed
      log[gone ? 'debug' : 'error']({ ...describe(req, res), error: problem.cause ?? problem }, problem.code)
    }
    if (res.headersSent || res.destroyed) {
      res.destroy()
      return
    }
    metrics.failed(problem.code)
    const seconds = retryAfter(problem)
    if (seconds !== undefined) res.set('Retry-After', String(Math.ceil(seconds)))
    res.status(statusOf(problem.code))
    // Not res.json(): it would keep a Content-Type that a route had set for what it didn't come to send.
    res.set('Content-Type', 'application/problem+json')
    res.end(JSON.stringify(problemDocument(problem)))
  }
}
