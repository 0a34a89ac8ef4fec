import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { codeOf } from '../util/error-code.ts'
import { messageOf, StartError } from '../util/errors.ts'

export interface Listening {
  /** `http://<address>:<port>` */
  url: string
  /** Takes no more connections, and resolves when the requests are answered, cut after `seconds`. */
  finish(seconds: number): Promise<void>
}

/** Listens on an address and the port of a setting. Rejects with a StartError that names the setting. */
export async function listen(
  server: Server,
  host: string,
  { name, port }: { name: 'PORT' | 'PROBE_PORT'; port: number },
): Promise<Listening> {
  const closeSilent = trackSilentConnections(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((cause: unknown) => {
    throw new StartError(`settings: ${problemOf(cause, host, name, port)}`, { cause })
  })
  return {
    url: urlOf(server.address() as AddressInfo),
    async finish(seconds) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Node keeps a connection open if its last request is answered after close():
      // test/shutdown.process.test.ts.
      const idle = setInterval(() => {
        server.closeIdleConnections()
        closeSilent()
      }, 100)
      const timer = setTimeout(() => server.closeAllConnections(), seconds * 1000)
      await closed
      clearInterval(idle)
      clearTimeout(timer)
    },
  }
}

/** Older connections without a byte have been opened ahead: a first request comes at once. */
const silentMs = 1000

/**
 * Browsers open connections ahead, and Node doesn't count one without a first request as idle: at
 * the end the server would wait for it. Returns a function that closes those.
 */
function trackSilentConnections(server: Server): () => void {
  const since = new Map<Socket, number>()
  server.on('connection', (socket) => {
    since.set(socket, performance.now())
    socket.once('close', () => since.delete(socket))
  })
  return () => {
    const now = performance.now()
    for (const [socket, at] of since) if (socket.bytesRead === 0 && now - at > silentMs) socket.destroy()
  }
}

function urlOf({ family, address, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function problemOf(error: unknown, host: string, name: string, port: number): string {
  const code = codeOf(error)
  if (code === 'EADDRINUSE') {
    return `${name}: another program listens on port ${port} of ${host}; expected a free port, or 0 for any free one`
  }
  if (code === 'EACCES') {
    return `${name}: this user may not listen on port ${port}; expected a port from 1024, or 0 for any free one`
  }
  return `HOST: can't listen on ${host} (${messageOf(error)}); expected an address of this machine`
}
