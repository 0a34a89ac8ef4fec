import type { Request, RequestHandler, Response } from 'express'
import { type Clock, systemClock } from '../../util/clock.ts'
import { Problem } from '../../util/errors.ts'
import { interval } from '../../util/timers.ts'
import { problemDocument, statusOf } from '../server/problem.ts'
import { type ClientLimits, defaultLimits } from './client-limits.ts'

/**
 * Refuses a body that arrives too slowly, whatever its length. After an answer, the rest of an
 * unread body is read for a while: if the connection were closed with unread bytes, TCP would reset
 * it and the caller would lose the answer.
 */
export function bodyLimits(limits: ClientLimits = defaultLimits, clock: Clock = systemClock): RequestHandler {
  return (req, res, next) => {
    if (hasBody(req)) watchBody(req, res, limits, clock)
    next()
  }
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
}

function watchBody(req: Request, res: Response, limits: ClientLimits, clock: Clock): void {
  const { socket } = req
  let before = socket.bytesRead
  let stopDropping = () => {}
  const check = () => {
    const came = socket.bytesRead - before
    before = socket.bytesRead
    // Unread bytes mean that the API itself does not read, for example because the store is slow.
    if (came < limits.bodyBytes && req.readableLength === 0) refuseSlowBody(req, res)
  }
  const stopWatching = interval(check, limits.body, clock)
  const end = () => {
    stopWatching()
    stopDropping()
    req.off('end', end).off('close', end)
    socket.off('close', abort)
  }
  // Once a request is answered, Node emits nothing on it when its connection closes: readers of the
  // body would wait for ever, and the timers would stay.
  const abort = () => {
    end()
    req.destroy()
  }
  req.once('end', end).once('close', end)
  socket.once('close', abort)
  res.once('finish', () => {
    stopWatching()
    if (req.readableEnded || req.destroyed) return
    req.resume()
    stopDropping = clock.setTimeout(() => socket.destroy(), limits.rest)
  })
}

function refuseSlowBody(req: Request, res: Response): void {
  const { socket } = req
  if (res.headersSent || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = new Problem('request-timeout', 'The body did not arrive, or far too slowly')
  res.status(statusOf(problem.code)).set({ Connection: 'close', 'Content-Type': 'application/problem+json' })
  res.end(JSON.stringify(problemDocument(problem)), () => socket.destroy())
}
