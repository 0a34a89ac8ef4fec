import type { Response } from 'express'
import { Problem } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Answer } from '../result/answer.ts'
import { writerTo } from '../writer-to.ts'
import { cut } from './cut.ts'
import type { Downloads } from './downloads.ts'
import { defaultLimits } from './limits.ts'

/**
 * Sends an answer; resolves with the bytes of its body. What fails before the first byte rejects with nothing
 * sent, so that it becomes a problem document; what fails later cuts the connection and rejects.
 */
export async function sendAnswer(
  res: Response,
  answer: Answer,
  { downloads, log }: { downloads: Downloads; log: Log },
): Promise<number> {
  const { body } = answer
  try {
    if (body !== undefined) downloads.begin(res)
    const first = await body?.next()
    res.status(answer.status).set(answer.headers)
    if (body === undefined || first === undefined || first.done === true) {
      res.end()
      return 0
    }
    // Whoever has gone without a word takes nothing any more, nor does one who only holds the store's connection.
    res.setTimeout(defaultLimits.reader, () => res.destroy())
    const write = writerTo(res)
    let bytes = 0
    // Before the next chunk is asked for, this one has left: its memory is used again.
    for (
      let chunk: Buffer | undefined = first.value;
      chunk !== undefined;
      chunk = await nextOf(body, res, log)
    ) {
      await write(chunk)
      bytes += chunk.length
    }
    await ended(res)
    return bytes
  } finally {
    await body?.return()
  }
}

async function nextOf(
  body: AsyncGenerator<Buffer, void>,
  res: Response,
  log: Log,
): Promise<Buffer | undefined> {
  try {
    return (await body.next()).value ?? undefined
  } catch (error) {
    const reason = error instanceof Problem ? (error.cause ?? error) : error
    if (!res.closed) log.error({ path: res.req.path, error: reason }, 'a download was cut off')
    cut(res)
    throw error
  }
}

function ended(res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the reader went away'))
    if (res.closed) gone()
    else res.once('close', gone).end((error?: Error | null) => (error ? reject(error) : resolve()))
  })
}
