import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'

/** Probes are short and come from few clients. */
const mostConnections = 100

/**
 * A server for probes. Beyond its limit of connections it closes the oldest one instead of the new
 * one: a probe opens a new connection each time, so idle connections can't keep it out.
 */
export function createProbeServer(listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: 5_000,
      requestTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 5_000,
    },
    listener,
  )
  // In the order of their beginning.
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size > mostConnections) oldest?.destroy()
  })
  return server
}
