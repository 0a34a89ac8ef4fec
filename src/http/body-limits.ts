import type { Request, RequestHandler, Response } from 'express'
import { Problem } from '../errors.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { problemDocument, statusOf } from './problem.ts'

/**
 * Limits how slowly a body may come, whatever its length. One that was not read is still taken for a while after the
 * answer: were the connection closed with bytes unread, TCP would reset it and the caller would lose the answer.
 */
export function bodyLimits(limits: Limits = defaultLimits): RequestHandler {
  return (req, res, next) => {
    const { socket } = req
    const hasBody =
      req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length']) > 0
    if (!hasBody) return next()
    let before = socket.bytesRead
    const watching = setInterval(() => {
      const came = socket.bytesRead - before
      before = socket.bytesRead
      // Where it is the API that doesn't read, the store may be what is slow.
      if (came < limits.bodyBytes && req.readableLength === 0) refuseSlowBody(req, res)
    }, limits.body)
    const unwatch = () => clearInterval(watching)
    req.once('end', unwatch).once('close', unwatch)
    res.once('finish', () => {
      if (req.complete) return
      req.resume()
      const timer = setTimeout(() => socket.destroy(), limits.rest)
      req.once('close', () => clearTimeout(timer))
    })
    next()
  }
}

function refuseSlowBody(req: Request, res: Response): void {
  const { socket } = req
  if (res.headersSent || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = new Problem('request-timeout', 'The body did not come, or far too slowly')
  res.status(statusOf(problem.code)).set({ Connection: 'close', 'Content-Type': 'application/problem+json' })
  res.end(JSON.stringify(problemDocument(problem)), () => socket.destroy())
}
