import type { Response } from 'express'

/** Aborted when the client disconnects before it has the whole answer. */
export function clientDisconnect(res: Response): AbortSignal {
  const controller = new AbortController()
  // A pipelined request waits for earlier answers: the connection may have closed before this
  // listener.
  if (res.closed || res.req.socket.destroyed) controller.abort(new Error('the client disconnected'))
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new Error('the client disconnected'))
  })
  return controller.signal
}
