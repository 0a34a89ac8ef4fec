import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** Stays within a processor's own cache, and is filled by few calls. */
const bufferBytes = 256 * 1024

/** A connection, `http:` or `https:`, that is read only when asked to, always into the same buffer. */
export class PulledConnection {
  readonly #socket: Socket
  readonly #timeoutMs: number
  #waiting: { resolve(chunk: Buffer | undefined): void; reject(error: unknown): void } | undefined
  #filled: Buffer | undefined
  #end: { error?: unknown } | undefined

  constructor(endpoint: URL, timeoutMs: number, signal?: AbortSignal) {
    this.#timeoutMs = timeoutMs
    const buffer = Buffer.allocUnsafeSlow(bufferBytes)
    const onread: OnReadOpts = {
      buffer,
      callback: (bytes) => {
        this.#filled = buffer.subarray(0, bytes)
        this.#serve()
        // No more until it is asked for.
        return false
      },
    }
    const socket = open(endpoint, onread)
    this.#socket = socket
    const fail = (error?: unknown) => {
      this.#end ??= error === undefined ? {} : { error }
      this.#serve()
    }
    const abort = () => {
      fail(signal?.reason)
      socket.destroy()
    }
    signal?.addEventListener('abort', abort, { once: true })
    socket
      .setNoDelay()
      .on('error', fail)
      .on('end', () => fail())
      .on('timeout', () => {
        if (this.#waiting === undefined) return
        fail(new Error(`nothing came for ${timeoutMs} ms`))
        socket.destroy()
      })
      .once('close', () => {
        signal?.removeEventListener('abort', abort)
        fail()
      })
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** What comes next, of any length; undefined at the end. Valid until the next call. */
  read(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#serve()
      if (this.#waiting === undefined) return
      this.#socket.setTimeout(this.#timeoutMs)
      this.#socket.resume()
    })
  }

  onceClosed(told: () => void): void {
    this.#socket.once('close', told)
  }

  close(): void {
    this.#socket.destroy()
  }

  #serve(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    const chunk = this.#filled
    if (chunk === undefined && this.#end === undefined) return
    this.#waiting = undefined
    this.#filled = undefined
    if (chunk !== undefined) waiting.resolve(chunk)
    else if (this.#end !== undefined && 'error' in this.#end) waiting.reject(this.#end.error)
    else waiting.resolve(undefined)
  }
}

function open({ protocol, hostname, port }: URL, onread: OnReadOpts): Socket {
  // An IPv6 address stands in brackets in a URL.
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (protocol !== 'https:') return connect({ host, port: Number(port || 80), onread })
  // Its types leave out what it hands on to the socket.
  const options: ConnectionOptions & { onread: OnReadOpts } = {
    host,
    port: Number(port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['http/1.1'],
    onread,
  }
  return connectTls(options)
}
