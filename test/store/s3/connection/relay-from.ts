import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import {
  type AnswerHead,
  createHttpRelay,
  type RelayRequest,
} from '../../../../src/store/s3/connection/http-relay.ts'
import type { Sink } from '../../../../src/util/sink.ts'

/**
 * Milliseconds of silence in the tests of silence; the others allow ten seconds on a busy machine.
 */
export const shortMs = 400

export const bytes = randomBytes(3_000_000)

export const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\nETag: "x"\r\n\r\n`

/** A server that calls `answer` for each request, and a relay that reads from it. */
export async function relayFrom(answer: (socket: Socket, request: string) => unknown, timeoutMs = 10_000) {
  const server = createServer()
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {}).on('data', (request: Buffer) => answer(socket, String(request)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const relay = createHttpRelay(new URL(`http://localhost:${port}`), timeoutMs)
  onTestFinished(() => {
    relay.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  /** Copies the body chunk by chunk and calls `then` after each chunk. */
  const get = async (more: Partial<RelayRequest> = {}, then?: Sink) => {
    const copies: Buffer[] = []
    let head: AnswerHead | undefined
    const sinkFor = (answer: AnswerHead) => {
      head = answer
      return async (chunk: Buffer) => {
        copies.push(Buffer.from(chunk))
        await then?.(chunk)
      }
    }
    const isRelayed = await relay.get({ path: '/a', headers: { host: 'localhost' }, ...more }, sinkFor)
    expect(isRelayed).toBe(true)
    return { head, bytes: Buffer.concat(copies) }
  }
  return { relay, get, sockets }
}

/** Sends a complete answer. */
export function whole(socket: Socket): void {
  socket.write(head)
  socket.write(bytes)
}
