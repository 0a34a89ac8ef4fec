import type { Response } from 'express'
import type { StreamReader } from '../../notifications/events/streams.ts'
import { abortResponse } from './abort-response.ts'

/**
 * Sends a stream of server-sent events until the client disconnects or shutdown begins. `open`
 * starts the stream for a reader and returns the function that ends it; it is not called for a HEAD
 * request.
 */
export function sendEventStream(
  res: Response,
  shutdown: AbortSignal,
  open: (reader: StreamReader) => () => void,
): void {
  res.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
  if (res.req.method === 'HEAD') {
    res.end()
    return
  }
  res.flushHeaders()
  const end = open(readerOf(res))
  const finish = () => void res.end()
  shutdown.addEventListener('abort', finish)
  if (shutdown.aborted) finish()
  const done = () => {
    shutdown.removeEventListener('abort', finish)
    end()
  }
  // The client may have disconnected before this listener is added.
  if (res.closed || res.req.socket.destroyed) done()
  else res.once('close', done)
}

function readerOf(res: Response): StreamReader {
  return {
    write(bytes) {
      if (!res.destroyed && !res.writableEnded) res.write(bytes)
    },
    get waiting() {
      return res.writableLength
    },
    end: () => void res.end(),
    cut: () => abortResponse(res),
  }
}
