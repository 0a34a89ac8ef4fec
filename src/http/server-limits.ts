import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { invalid, Problem } from '../errors.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { problemDocument } from './problem.ts'

/** A server that holds its connections to the limits, and answers what isn't HTTP at all. */
export function createLimitedServer(listener: RequestListener, limits: Limits = defaultLimits): Server {
  const server = createServer(
    {
      headersTimeout: limits.headers,
      // Inputs of many GiB take their time; body-limits.ts ends those that stand still.
      requestTimeout: 0,
      connectionsCheckingInterval: limits.check,
      maxHeaderSize: limits.headerBytes,
      keepAliveTimeout: limits.keepAlive,
      // Of an answer that isn't taken one chunk waits here, not two.
      highWaterMark: 16 * 1024,
    },
    listener,
  )
  server.maxHeadersCount = limits.headerFields
  server.maxConnections = limits.connections
  /** Of each connection; Node hands out pipelined requests all at once. */
  const unfinished = new WeakMap<Duplex, Set<ServerResponse>>()
  server.on('connection', (socket) => {
    // A follower of a log may be silent for hours: that it is still there, TCP has to find out.
    socket.setKeepAlive(true, 60_000)
    // Node ends its side too, but only behind what the client doesn't take any more: what is read for it would go on.
    socket.on('end', () => {
      if (some(unfinished.get(socket), (res) => !res.writableEnded)) socket.destroy()
    })
  })
  server.on('request', ({ socket }, res) => {
    // Limits, log, waiting and sending each listen for its end: a dozen, where Node takes more than ten for a leak.
    res.setMaxListeners(30)
    const answers = unfinished.get(socket) ?? new Set()
    unfinished.set(socket, answers.add(res))
    res.once('close', () => answers.delete(res))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Bytes of another answer in the midst of a download would pass for the file's.
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

/** What curl and others don't do by themselves. */
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
      return [408, 'Request Timeout', new Problem('request-timeout', 'The headers did not come to their end')]
    case 'HPE_INVALID_URL':
      return [400, 'Bad Request', invalid('url', 'has a character that can not stand there', encoded)]
    default:
      return [400, 'Bad Request', new Problem('invalid-request', 'This is no HTTP/1.1 request')]
  }
}
