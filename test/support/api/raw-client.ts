import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { patience } from '../time/patience.ts'

/**
 * A TCP client without HTTP: the caller writes every byte, so that a test can break the protocol.
 */
export interface RawClient {
  readonly socket: Socket
  /** All bytes received so far, as latin1. */
  text(): string
  /** Resolves at the end of the connection with `end` for a FIN, else with the error's code. */
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

/** Sends a request and then reads one byte a second. */
export async function slowReader(url: string, request: string): Promise<Socket> {
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
  socket.write(request)
  return socket
}

/** The bytes of a GET request with the header lines `more`. */
export function get(path: string, more: readonly string[] = [], version = '1.1'): string {
  return [`GET ${path} HTTP/${version}`, 'Host: localhost', ...more, '', ''].join('\r\n')
}

/**
 * Waits until `holds` returns true, `patience` times the milliseconds `within`; resolves with the
 * milliseconds it took.
 */
export async function until(holds: () => boolean | Promise<boolean>, within = 10_000): Promise<number> {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > within * patience)
      throw new Error(`not within ${within * patience} ms: ${holds}`)
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
