import type { Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Sets the limits of a server's connections, and answers what isn't HTTP at all. */
export function configureServer(server: Server): void {
  server.headersTimeout = 30_000
  // Inputs of many GiB take their time; body-limits.ts ends those that stand still.
  server.requestTimeout = 0
  // Longer than proxies keep theirs (60 s at most by default), so that none sends into a closing connection.
  server.keepAliveTimeout = 75_000
  server.maxHeadersCount = 100
  // A follower of a log may be silent for hours: that it is still there, TCP has to find out.
  server.on('connection', (socket) => socket.setKeepAlive(true, 60_000))

  const answering = new WeakMap<Duplex, ServerResponse>()
  server.on('request', (req, res) => answering.set(req.socket, res))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Bytes of another answer in the midst of a download would pass for the file's.
    const res = answering.get(socket)
    const isAnswering = res?.headersSent && !res.writableFinished
    if (error.code === 'ECONNRESET' || isAnswering || !socket.writable) socket.destroy()
    else answerBrokenRequest(error, socket)
  })
}

function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const status = tooLarge ? 431 : 400
  const title = tooLarge ? 'Request Header Fields Too Large' : 'Bad Request'
  const body = JSON.stringify({
    type: 'urn:jobferry:error:invalid-request',
    title: 'The request is not valid',
    status,
    detail: tooLarge ? 'The headers are too large' : 'This is no HTTP/1.1 request',
    errors: [],
  })
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
