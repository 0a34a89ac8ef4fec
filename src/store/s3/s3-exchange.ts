import type { IncomingHttpHeaders } from 'node:http'
import type { Agent, Dispatcher } from 'undici'

export interface ShortAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/**
 * One request with a short answer. It avoids the stream, asynchronous resource and promises that
 * undici's request() creates for each request. Rejects with undici's error or the signal's reason.
 */
export function exchange(
  agent: Agent,
  options: Dispatcher.DispatchOptions,
  signal?: AbortSignal,
): Promise<ShortAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    const answer: ShortAnswer = { status: 0, headers: {}, text: '' }
    const chunks: Buffer[] = []
    const onAbort = () => {
      controller?.abort(errorOf(signal?.reason))
      reject(signal?.reason)
    }
    const end = () => signal?.removeEventListener('abort', onAbort)
    signal?.addEventListener('abort', onAbort)
    agent.dispatch(options, {
      onRequestStart: (started) => {
        controller = started
        if (signal?.aborted) started.abort(errorOf(signal.reason))
      },
      onResponseStart: (_controller, status, headers) => {
        Object.assign(answer, { status, headers })
      },
      onResponseData: (_controller, chunk) => {
        chunks.push(chunk)
      },
      onResponseEnd: () => {
        end()
        resolve(chunks.length === 0 ? answer : { ...answer, text: Buffer.concat(chunks).toString() })
      },
      onResponseError: (_controller, error) => {
        end()
        reject(error)
      },
    })
  })
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
