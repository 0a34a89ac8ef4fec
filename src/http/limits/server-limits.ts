import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { invalid, Problem } from '../../util/errors.ts'
import { problemDocument } from '../server/problem.ts'
import { type ClientLimits, defaultLimits } from './client-limits.ts'

/** A server that enforces the limits of connections and answers invalid HTTP. */
export function createLimitedServer(listener: RequestListener, limits: ClientLimits = defaultLimits): Server {
  const server = createServer(
    {
      headersTimeout: limits.headers,
      // Inputs of many GiB may take long; body-limits.ts ends stalled ones.
      requestTimeout: 0,
      connectionsCheckingInterval: limits.check,
      maxHeaderSize: limits.headerBytes,
      keepAliveTimeout: limits.keepAlive,
      // With this limit one chunk of an unread answer is buffered here instead of two.
      highWaterMark: 16 * 1024,
    },
    listener,
  )
  server.maxHeadersCount = limits.headerFields
  server.maxConnections = limits.connections
  /**
   * Answers of each connection; there may be several, as Node emits all pipelined requests at once.
   */
  const unfinished = new WeakMap<Duplex, Set<ServerResponse>>()
  server.on('connection', (socket) => {
    // A client that follows a log may be silent for hours: TCP must detect if it is gone.
    socket.setKeepAlive(true, 60_000)
    // Node closes its side only after the pending answers, for which the store would be read on.
    socket.on('end', () => {
      if (some(unfinished.get(socket), (res) => !res.writableEnded)) socket.destroy()
    })
  })
  server.on('request', ({ socket }, res) => {
    // Limits, log, waiting and sending add a dozen listeners; Node warns of a leak at more than
    // ten.
    res.setMaxListeners(30)
    const answers = unfinished.get(socket) ?? new Set()
    unfinished.set(socket, answers.add(res))
    res.once('close', () => answers.delete(res))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of a download, the client would take the bytes of another answer for the
    // file's.
    const isAnswering = some(unfinished.get(socket), (res) => res.headersSent && !res.writableFinished)
    if (error.code === 'ECONNRESET' || isAnswering || !socket.writable) socket.destroy()
    else answerBrokenRequest(error, socket)
  })
  return server
}

function some<T>(values: Iterable<T> | undefined, isIt: (value: T) => boolean): boolean {
  return [...(values ?? [])].some(isIt)
}

function answerBrokenRequest({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  const [status, phrase, problem] = brokenRequest(code)
  const body = JSON.stringify({ ...problemDocument(problem), status })
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

/**
 * Named in the error, since curl and other clients leave the encoding of the URL to their users.
 */
const encoded = 'all that is not ASCII percent-encoded, as %C3%BC for ü'

function brokenRequest(code: string | undefined): [number, string, Problem] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [
        431,
        'Request Header Fields Too Large',
        new Problem('invalid-request', 'The headers are too large'),
      ]
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'Request Timeout', new Problem('request-timeout', 'The headers were not complete in time')]
    case 'HPE_INVALID_URL':
      return [400, 'Bad Request', invalid('url', 'has a character that is not allowed in a URL', encoded)]
    default:
      return [400, 'Bad Request', new Problem('invalid-request', 'This is not an HTTP/1.1 request')]
  }
}
