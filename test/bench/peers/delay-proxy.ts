import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy that adds latency to the way to a store. */
export interface DelayProxy extends AsyncDisposable {
  readonly url: string
}

/**
 * Starts a TCP proxy in front of `target` that delays every byte
 * by half of `roundTripMs`, each way.
 */
export async function startDelayProxy(target: string, roundTripMs: number): Promise<DelayProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const store = connect({ host: hostname, port: Number(port) || 80, noDelay: true, allowHalfOpen: true })
    for (const socket of [client, store]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    delayed(client, store, roundTripMs / 2)
    delayed(store, client, roundTripMs / 2)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/**
 * Most bytes in flight for each direction, as for a connection of 3 Gbit/s with a delay of 10 ms.
 */
const windowBytes = 4 * 1024 * 1024

function delayed(from: Socket, to: Socket, ms: number): void {
  let onTheWay = 0
  from.on('error', () => to.destroy())
  from.on('data', (chunk) => {
    onTheWay += chunk.length
    if (onTheWay > windowBytes) from.pause()
    setTimeout(() => {
      to.write(chunk, () => {
        onTheWay -= chunk.length
        if (onTheWay <= windowBytes) from.resume()
      })
    }, ms)
  })
  from.once('end', () => setTimeout(() => to.end(), ms))
  from.once('close', () => setTimeout(() => to.destroySoon(), ms))
}
