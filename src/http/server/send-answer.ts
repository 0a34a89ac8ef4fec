import type { Response } from 'express'
import type { Answer } from '../../results/serve/answer.ts'
import { Problem } from '../../util/errors.ts'
import type { Log } from '../../util/log.ts'
import { sinkOf } from '../../util/sink.ts'
import { defaultLimits } from '../limits/client-limits.ts'
import type { Downloads } from '../limits/downloads.ts'
import { watchReader } from '../limits/reader-speed.ts'
import { abortResponse } from './abort-response.ts'

/**
 * Sends an answer; resolves with the number of bytes in its body. Rejects if the body fails: before
 * its first byte nothing is sent, so that the error handler can answer; later the connection is
 * reset.
 */
export async function sendAnswer(
  res: Response,
  { status, headers, body }: Answer,
  { downloads, log }: { downloads: Downloads; log: Log },
): Promise<number> {
  // express' set() would claim charset=utf-8 for every text.
  const sent = new Map(Object.entries(headers))
  const start = () => res.status(status).setHeaders(sent)
  const replaceHeaders = (replaced: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(replaced)) sent.set(name, value)
  }
  if (body === undefined) {
    start().end()
    return 0
  }
  downloads.begin(res)
  const write = watchReader(res, sinkOf(res), defaultLimits)
  let bytes = 0
  try {
    await body(async (chunk) => {
      if (!res.headersSent) start().setTimeout(defaultLimits.reader, () => res.destroy())
      bytes += chunk.length
      await write(chunk)
    }, replaceHeaders)
  } catch (error) {
    if (res.headersSent) abort(res, error, log)
    throw error
  }
  if (!res.headersSent) start()
  await ended(res)
  return bytes
}

function abort(res: Response, error: unknown, log: Log): void {
  const reason = error instanceof Problem ? (error.cause ?? error) : error
  if (!res.closed && !res.destroyed)
    log.error({ path: res.req.path, error: reason }, 'a download was cut off')
  abortResponse(res)
}

function ended(res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const rejectEnd = () => reject(new Error('the client disconnected before the end of the answer'))
    if (res.closed) rejectEnd()
    else res.once('close', rejectEnd).end((error?: Error | null) => (error ? reject(error) : resolve()))
  })
}
