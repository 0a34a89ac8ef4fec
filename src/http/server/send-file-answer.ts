import type { Request, Response } from 'express'
import type { Answer } from '../../results/serve/answer.ts'
import { type FileRequest, UnsatisfiableRange } from '../../results/serve/file.ts'
import type { Log } from '../../util/log.ts'
import type { Metrics } from '../../util/metrics.ts'
import type { Downloads } from '../limits/downloads.ts'
import { clientDisconnect } from './client-disconnect.ts'
import { sendAnswer } from './send-answer.ts'

export interface FileSending {
  downloads: Downloads
  metrics: Metrics
  log: Log
}

/** Answers a request with one file, by the request's method and headers. */
export async function sendFileAnswer(
  req: Request,
  res: Response,
  sending: FileSending,
  answerTo: (request: FileRequest) => Promise<Answer>,
): Promise<void> {
  const { method, headers } = req
  try {
    const answer = await answerTo({ method, headers, signal: clientDisconnect(res) })
    const bytes = await sendAnswer(res, answer, sending)
    if (answer.body !== undefined) countDownload(sending, 'file', bytes)
  } catch (error) {
    if (error instanceof UnsatisfiableRange) res.set('Content-Range', `bytes */${error.size}`)
    throw error
  }
}

export function countDownload(
  { metrics }: Pick<FileSending, 'metrics'>,
  kind: 'file' | 'tar' | 'zip',
  bytes: number,
): void {
  metrics.downloads.inc({ kind })
  metrics.downloadBytes.inc({ kind }, bytes)
}
