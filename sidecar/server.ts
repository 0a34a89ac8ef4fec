import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { Log } from '../src/log.ts'

export interface Endpoint {
  /** Undefined when the worker may start, else what is awaited. */
  notReady(): string | undefined
  /** Called at each GET /stop/<token>. */
  onStop(): void
}

/**
 * Serves GET /ready (200, or 503 with the reason as text) and GET /stop/<token>; anything else is 404. Where the
 * port is taken it goes on trying: once the worker runs, its results matter more than this endpoint. The function
 * that it returns ends it.
 */
export function serve(port: number, stopToken: string | undefined, endpoint: Endpoint, log: Log): () => void {
  const server = createServer((request, response) => {
    const [status, text] = answer(request.method, request.url, stopToken, endpoint)
    request.resume()
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(`${text}\n`)
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
  if (stopToken !== undefined && url?.startsWith('/stop/') && isSame(url.slice('/stop/'.length), stopToken)) {
    endpoint.onStop()
    return [200, 'noted']
  }
  return [404, 'not found']
}

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
