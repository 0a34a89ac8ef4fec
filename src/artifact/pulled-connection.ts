import { connect, isIP, type OnReadOpts, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

const connectMs = 10_000
/** TLS gives what it decrypts in pieces of a record's size (RFC 8446, 5.1). */
const recordBytes = 16 * 1024

/** Nothing came in the time that was given for it. */
export class SilenceError extends Error {
  override name = 'SilenceError'
}

/** A connection, `http:` or `https:`, that is read only when asked to, without TLS always into the same buffer. */
export class PulledConnection {
  readonly #socket: Socket
  readonly #timeoutMs: number
  #waiting: { resolve(chunk: Buffer | undefined): void; reject(error: unknown): void } | undefined
  readonly #filled: Buffer[] = []
  #end: { error?: unknown } | undefined

  /** `timeoutMs` without any byte while some are waited for, or `connectMs` without a connection, end it. */
  constructor(endpoint: URL, timeoutMs: number, bufferBytes: number) {
    this.#timeoutMs = timeoutMs
    const isTls = endpoint.protocol === 'https:'
    const buffer = Buffer.allocUnsafeSlow(isTls ? Math.min(bufferBytes, recordBytes) : bufferBytes)
    const onread: OnReadOpts = {
      buffer,
      callback: (bytes) => {
        const chunk = buffer.subarray(0, bytes)
        // Node's TLS decrypts all that one read of the network brought, each record over the one before, paused or not.
        this.#filled.push(isTls ? Buffer.from(chunk) : chunk)
        this.#serve()
        // No more until it is asked for.
        return false
      },
    }
    this.#socket = open(endpoint, onread)
      .setNoDelay()
      .setTimeout(Math.min(timeoutMs, connectMs))
      .once('connect', () => this.#socket.setTimeout(timeoutMs))
      .on('error', (error) => this.#finish({ error }))
      .on('end', () => this.#finish({}))
      .once('close', () => this.#finish({}))
      .on('timeout', () => this.#waiting !== undefined && this.end(new SilenceError('nothing came in time')))
  }

  /** All of it at once. */
  write(...pieces: readonly (string | Uint8Array)[]): void {
    this.#socket.ref().cork()
    for (const piece of pieces) this.#socket.write(piece, 'latin1')
    this.#socket.uncork()
  }

  /** What comes next, of any length; undefined at the end. Valid until the next call. */
  read(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#serve()
      if (this.#waiting === undefined) return
      // A reader may have been slower than that.
      if (!this.#socket.connecting) this.#socket.setTimeout(this.#timeoutMs)
      this.#socket.resume()
    })
  }

  /** Until the next write: its end, and what nobody asked for, show in isIdle; it holds no process that is to end. */
  rest(): void {
    this.#socket.unref().resume()
  }

  /** Everything was written, and nothing came that nobody asked for. */
  get isIdle(): boolean {
    const { destroyed, writableLength } = this.#socket
    return !destroyed && writableLength === 0 && this.#end === undefined && this.#filled.length === 0
  }

  onceClosed(told: () => void): void {
    this.#socket.once('close', told)
  }

  /** Whoever waits gets the error, else its end. */
  end(error?: unknown): void {
    this.#finish(error === undefined ? {} : { error })
    this.#socket.destroy()
  }

  #finish(end: { error?: unknown }): void {
    this.#end ??= end
    this.#serve()
  }

  #serve(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    const [chunk, ...more] = this.#filled
    if (chunk === undefined && this.#end === undefined) return
    this.#waiting = undefined
    this.#filled.length = 0
    if (chunk !== undefined) waiting.resolve(more.length === 0 ? chunk : Buffer.concat([chunk, ...more]))
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
