import type { Response } from 'express'

/**
 * Ends an answer that can't be completed, by a TCP reset. For an HTTP/1.0 client, which nginx is to
 * its upstreams by default, a normal end of the connection completes a body without a
 * Content-Length.
 */
export function abortResponse(res: Response): void {
  res.socket?.resetAndDestroy()
  res.destroy()
}
