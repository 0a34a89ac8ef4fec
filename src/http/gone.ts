import type { Response } from 'express'

/** Aborted when the caller goes away before it has the whole answer. */
export function callerGone(res: Response): AbortSignal {
  const controller = new AbortController()
  // One that waited for its turn on a connection may come too late to hear of it.
  if (res.closed || res.req.socket.destroyed) controller.abort(new Error('the caller went away'))
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new Error('the caller went away'))
  })
  return controller.signal
}
