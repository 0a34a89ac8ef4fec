import { connect, type OnReadOpts, type Socket } from 'node:net'
import { defined } from '../../../util/objects.ts'

const connectMs = 10_000

/** No byte arrived within the timeout. */
export class SilenceError extends Error {
  override name = 'SilenceError'
}

/**
 * A connection to an `http:` endpoint that is read on request only, always into the same buffer.
 * Not for TLS: Node decrypts every record of one read into that buffer, each over the one before.
 */
export class PulledConnection {
  readonly #socket: Socket
  readonly #timeoutMs: number
  #waiting: { resolve(chunk: Buffer | undefined): void; reject(error: unknown): void } | undefined
  readonly #filled: Buffer[] = []
  #end: { error?: unknown } | undefined

  /**
   * The connection ends if a read waits `timeoutMs` for a byte, or connecting takes `connectMs`.
   */
  constructor(endpoint: URL, timeoutMs: number, bufferBytes: number) {
    this.#timeoutMs = timeoutMs
    const buffer = Buffer.allocUnsafeSlow(bufferBytes)
    const onread: OnReadOpts = {
      buffer,
      callback: (bytes) => {
        this.#filled.push(buffer.subarray(0, bytes))
        this.#serve()
        // False pauses the socket until the next read().
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

  /** Writes all pieces in one go. */
  write(...pieces: readonly (string | Uint8Array)[]): void {
    this.#socket.ref().cork()
    for (const piece of pieces) this.#socket.write(piece, 'latin1')
    this.#socket.uncork()
  }

  /**
   * The next bytes, of any number; undefined at the end. The chunk is valid until the next call.
   */
  read(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#serve()
      if (this.#waiting === undefined) return
      // Restart the timeout: the reader may have taken longer than that since its last read.
      if (!this.#socket.connecting) this.#socket.setTimeout(this.#timeoutMs)
      this.#socket.resume()
    })
  }

  /**
   * Makes the connection idle until the next write. It keeps reading, so that isIdle shows its end
   * and unexpected bytes, and it does not keep the process alive.
   */
  rest(): void {
    this.#socket.unref().resume()
  }

  /** True if the connection is open, everything is written, and no unexpected byte has arrived. */
  get isIdle(): boolean {
    const { destroyed, writableLength } = this.#socket
    return !destroyed && writableLength === 0 && this.#end === undefined && this.#filled.length === 0
  }

  onceClosed(told: () => void): void {
    this.#socket.once('close', told)
  }

  /**
   * Closes the connection. A waiting read() rejects with `error`; without it, resolves with
   * undefined.
   */
  end(error?: unknown): void {
    this.#finish(defined({ error }))
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

function open({ hostname, port }: URL, onread: OnReadOpts): Socket {
  // An IPv6 address stands in brackets in a URL.
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return connect({ host, port: Number(port || 80), onread })
}
