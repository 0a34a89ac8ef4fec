import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { eventually } from '../time/eventually.ts'
import { selfSigned } from './self-signed.ts'

/** A request that a receiver received. */
export interface Received {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** Milliseconds since the epoch. */
  at: number
}

/**
 * A receiver's answer: a status with headers and body, or a
 * function that writes or breaks the answer.
 */
export type Reaction =
  | { status: number; headers?: Record<string, string>; body?: string }
  | ((res: ServerResponse) => void)

export const hang: Reaction = () => undefined
export const reset: Reaction = (res) => res.socket?.resetAndDestroy()
/** 200, then a body that never ends. */
export const slowBody: Reaction = (res) => {
  const timer = setInterval(() => res.write('.'), 50)
  res.once('close', () => clearInterval(timer))
}
export const hugeBody: Reaction = (res) => void res.end(Buffer.alloc(8 * 2 ** 20))

export interface Receiver {
  url: string
  received: Received[]
  /**
   * Sets the next answers, one for each request; the last reaction answers all further requests.
   */
  react(...reactions: Reaction[]): void
  /** Resolves with the received requests once there are `count`. */
  until(count: number, within?: number): Promise<Received[]>
  /** Stops listening; start() listens again on the same port. */
  stop(): Promise<void>
  start(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a server that records requests and answers as react() says;
 * `tls`: with a self-signed certificate.
 */
export async function startReceiver({ tls = false } = {}): Promise<Receiver> {
  const received: Received[] = []
  let reactions: Reaction[] = [{ status: 204 }]
  const listener: RequestListener = (req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { method = '', url: path = '', headers } = req
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString(), at: Date.now() })
      const reaction = (reactions.length > 1 ? reactions.shift() : reactions[0]) ?? { status: 204 }
      if (typeof reaction === 'function') reaction(res)
      else res.writeHead(reaction.status, reaction.headers).end(reaction.body)
    })
  }
  const server = tls ? createTlsServer(selfSigned(), listener) : createServer(listener)
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    received,
    react(...given) {
      reactions = given
    },
    until: (count, within) =>
      eventually(
        () => {
          if (received.length < count) throw new Error(`${received.length} of ${count} received`)
          return received
        },
        { within: within ?? 15_000, every: 20 },
      ),
    stop,
    start: () => listen(port),
    [Symbol.asyncDispose]: stop,
  }
}
