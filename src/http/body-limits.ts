import type { RequestHandler } from 'express'

/** A caller that sends nothing of a body for so long has gone, even where its connection hasn't. */
const bodySilence = 120_000
/** How long the rest of a body is read and dropped after an answer that didn't need it. */
const dropRest = 10_000

/**
 * Limits how long bodies are awaited. A body that was not read is still taken for a while after the answer: were
 * the connection closed with bytes unread, TCP would reset it and the caller would lose the answer.
 */
export function bodyLimits(): RequestHandler {
  return (req, res, next) => {
    const { socket } = req
    const hasBody =
      req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length']) > 0
    if (!hasBody) return next()
    req.setTimeout(bodySilence, () => socket.destroy())
    req.once('end', () => socket.setTimeout(0))
    res.once('finish', () => {
      if (req.complete) return
      req.resume()
      const timer = setTimeout(() => socket.destroy(), dropRest)
      req.once('close', () => clearTimeout(timer))
    })
    next()
  }
}
