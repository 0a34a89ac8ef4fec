import { PulledConnection } from './pulled-connection.ts'

export interface PoolSettings {
  endpoint: URL
  /** Timeout of each connection. */
  timeoutMs: number
  bufferBytes: number
  /** Milliseconds after which an idle connection is ended. */
  keepMs: number
  /** Maximum of idle connections. */
  mostKept: number
}

/** Connections to one server; idle connections are kept for a while and used again. */
export class ConnectionPool {
  readonly #settings: PoolSettings
  readonly #all = new Set<PulledConnection>()
  /** In order of use: the most recently used connection is the last element. */
  readonly #kept: { connection: PulledConnection; until: number }[] = []
  #sweep: NodeJS.Timeout | undefined

  constructor(settings: PoolSettings) {
    this.#settings = settings
  }

  open(): PulledConnection {
    const { endpoint, timeoutMs, bufferBytes } = this.#settings
    const connection = new PulledConnection(endpoint, timeoutMs, bufferBytes)
    this.#all.add(connection)
    connection.onceClosed(() => this.#all.delete(connection))
    return connection
  }

  takeKept(): PulledConnection | undefined {
    for (let last = this.#kept.pop(); last !== undefined; last = this.#kept.pop()) {
      if (last.until > performance.now() && last.connection.isIdle) return last.connection
      last.connection.end()
    }
    return undefined
  }

  /** Takes a connection back after its answer was read to the end. */
  keep(connection: PulledConnection): void {
    const { keepMs, mostKept } = this.#settings
    if (this.#kept.length >= mostKept || !connection.isIdle) {
      connection.end()
      return
    }
    connection.rest()
    this.#kept.push({ connection, until: performance.now() + keepMs })
    this.#sweep ??= setTimeout(() => this.#endOld(), keepMs).unref()
  }

  /** Ends all connections. */
  close(): void {
    clearTimeout(this.#sweep)
    for (const connection of this.#all) connection.end()
  }

  #endOld(): void {
    this.#sweep = undefined
    const now = performance.now()
    while (this.#kept[0] !== undefined && this.#kept[0].until <= now) this.#kept.shift()?.connection.end()
    const [oldest] = this.#kept
    if (oldest !== undefined) this.#sweep = setTimeout(() => this.#endOld(), oldest.until - now).unref()
  }
}
