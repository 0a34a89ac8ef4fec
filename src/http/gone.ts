import type { Response } from 'express'

/** Aborted when the caller goes away before it has the whole answer. */
export function callerGone(res: Response): AbortSignal {
  const controller = new AbortController()
  res.once('close', () => {
    if (!res.writableFinished) controller.abort(new Error('the caller went away'))
  })
  return controller.signal
}
