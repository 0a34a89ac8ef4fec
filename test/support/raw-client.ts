import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A client that speaks HTTP badly: all that it does is up to its caller. */
export interface RawClient {
  readonly socket: Socket
  /** All that came so far; not of a slow one. */
  text(): string
  /** Resolves when the connection is over, with how: `end` for a FIN, else the error's code. */
  readonly over: Promise<string>
}

export async function rawClient(url: string, first = ''): Promise<RawClient> {
  const socket = connect(addressOf(url))
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  const over = endOf(socket)
  await once(socket, 'connect')
  socket.write(first)
  return { socket, over, text: () => Buffer.concat(chunks).toString('latin1') }
}

/** Asks for a path and then reads one byte a second. */
export async function slowReader(url: string, path: string): Promise<Socket> {
  let timer: NodeJS.Timeout | undefined
  const socket = connect({
    ...addressOf(url),
    onread: {
      buffer: Buffer.alloc(1),
      callback: () => {
        timer = setTimeout(() => socket.resume(), 1000)
        return false
      },
    },
  })
  socket.on('error', () => {})
  socket.once('close', () => clearTimeout(timer))
  await once(socket, 'connect')
  socket.write(get(path))
  return socket
}

/** A request as HTTP/1.1 has it. */
export function get(path: string, more: readonly string[] = [], version = '1.1'): string {
  return [`GET ${path} HTTP/${version}`, 'Host: localhost', ...more, '', ''].join('\r\n')
}

/** Waits until it holds; gives the milliseconds that it took. */
export async function until(holds: () => boolean | Promise<boolean>, within = 10_000): Promise<number> {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > within) throw new Error(`not within ${within} ms: ${holds}`)
    await sleep(20)
  }
  return Math.round(performance.now() - began)
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('end', () => resolve('end'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.once('close', () => resolve('close'))
  })
}
