import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The worker shares the pod's network: its connections are one group, those of each other address
 * (kubelet, API) another. So a worker that keeps all of its own open shuts out no other caller.
 */
const connectionsPerGroup = 8
const connections = 256
/** For a whole request, also one that never comes. */
const requestMilliseconds = 5_000
const headerBytes = 4096

/** A server that open connections can't exhaust: those beyond the limits are reset at once. */
export function createGuardedServer(listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: requestMilliseconds,
      requestTimeout: requestMilliseconds,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: headerBytes,
      keepAliveTimeout: 1,
    },
    listener,
  )
  server.maxConnections = connections
  server.maxHeadersCount = 32
  const open = new Map<string, number>()
  server.on('connection', (socket) => {
    const group = groupOf(socket)
    const count = (open.get(group) ?? 0) + 1
    open.set(group, count)
    socket.once('close', () => {
      const left = (open.get(group) ?? 1) - 1
      if (left > 0) open.set(group, left)
      else open.delete(group)
    })
    if (count > connectionsPerGroup) socket.resetAndDestroy()
  })
  return server
}

/** `own` for connections from within the pod: over loopback, or from the pod's own address. */
function groupOf({ remoteAddress = '', localAddress }: Socket): string {
  const isOwn = /^(::ffff:)?127\.|^::1$/.test(remoteAddress) || remoteAddress === localAddress
  return isOwn ? 'own' : remoteAddress
}
