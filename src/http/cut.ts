import type { Response } from 'express'

/**
 * Ends an answer that can't be completed, with a reset: to an HTTP/1.0 client, which nginx is to what lies behind it
 * unless told otherwise, a plain end of the connection is the good end of a body without a Content-Length.
 */
export function cut(res: Response): void {
  res.socket?.resetAndDestroy()
  res.destroy()
}
