import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Log } from '../src/log.ts'

export interface Endpoint {
  /** Undefined when the worker may start, else what is awaited. */
  notReady(): string | undefined
  /** Called at each GET /stop/<token>. */
  onStop(): void
  /** Called at each POST /end/<token> with its body: what else stands in `jobs/<uuid>/stop`. */
  onEnd(text: string): void
}

/**
 * Serves GET /ready (200, or 503 with the reason as text), GET /stop/<token>, by which the kubelet says that time is
 * short, and POST /end/<token>, by which the API ends what is storing while the store can't tell of it; anything
 * else is 404. Where the port is taken it goes on trying: once the worker runs, its results matter more than this endpoint. The function
 * that it returns ends it.
 */
export function serve(port: number, stopToken: string | undefined, endpoint: Endpoint, log: Log): () => void {
  const server = createServer((request, response) => {
    const send = ([status, text]: [number, string]) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
      response.end(`${text}\n`)
    }
    if (request.method === 'POST' && isFor('/end/', request.url, stopToken)) {
      readShort(request).then(
        (text) => {
          endpoint.onEnd(text)
          send([200, 'noted'])
        },
        () => send([413, 'too long']),
      )
      return
    }
    request.resume()
    send(answer(request.method, request.url, stopToken, endpoint))
  })
  const end = listenPersistently(server, port, log)
  return () => {
    end()
    server.close()
    server.closeAllConnections()
  }
}

function answer(
  method: string | undefined,
  url: string | undefined,
  stopToken: string | undefined,
  endpoint: Endpoint,
): [number, string] {
  if (method !== 'GET') return [404, 'not found']
  if (url === '/ready') {
    const reason = endpoint.notReady()
    return reason === undefined ? [200, 'ready'] : [503, reason]
  }
  if (isFor('/stop/', url, stopToken)) {
    endpoint.onStop()
    return [200, 'noted']
  }
  return [404, 'not found']
}

function isFor(path: string, url: string | undefined, stopToken: string | undefined): boolean {
  return (
    stopToken !== undefined && url?.startsWith(path) === true && isSame(url.slice(path.length), stopToken)
  )
}

async function readShort(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > longestBody) throw new Error('too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const longestBody = 16 * 1024

/** In the same time wherever they differ. */
function isSame(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest())
  return x !== undefined && y !== undefined && timingSafeEqual(x, y)
}

function listenPersistently(server: Server, port: number, log: Log): () => void {
  let again: NodeJS.Timeout | undefined
  server.on('error', (error) => {
    const message = `Port ${port} can't be opened (${error.message}): another UPLOADER_PORT avoids the clash`
    log.error({ reason: 'Error', message }, 'no endpoint')
    again = setTimeout(() => server.listen(port), 1000)
  })
  server.listen(port)
  return () => clearTimeout(again)
}
