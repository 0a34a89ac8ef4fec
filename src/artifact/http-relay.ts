import { bodyLength, requestHead, UnknownAnswer } from './http-head.ts'
import { PulledConnection } from './pulled-connection.ts'
import { readHead } from './read-head.ts'
import { relayBytes } from './relay.ts'

/** An answer whose body passes through one buffer. */
export interface RelayedAnswer {
  status: number
  header(name: string): string | undefined
  /**
   * The body, as long as Content-Length says. A chunk is valid until the next one is asked for. Ends with what the
   * connection failed with, or the signal's reason; leaving it early ends the connection.
   */
  chunks: AsyncIterable<Buffer>
  /** Ends the connection of a body of which nothing is read. */
  close(): void
}

export interface RelayRequest {
  /** Percent-encoded, with its query. */
  path: string
  /** `host` among them. */
  headers: Readonly<Record<string, string>>
  signal?: AbortSignal | undefined
}

export interface HttpRelay {
  /**
   * Resolves with undefined where the answer has no Content-Length, or is unknown: it is one for another client. Rejects
   * with what the connection failed with, or the signal's reason.
   */
  get(request: RelayRequest): Promise<RelayedAnswer | undefined>
  /** Ends all connections. */
  close(): void
}

/**
 * GETs large bodies, each over a connection of its own that reads into the same memory all the time: a client that gives
 * every read memory of its own, as undici and node:http do, takes twice the time for a body that is only passed on.
 * `timeoutMs` without any byte of those that are waited for end a connection.
 */
export function createHttpRelay(endpoint: URL, timeoutMs: number): HttpRelay {
  const connections = new Set<PulledConnection>()
  return {
    async get({ path, headers, signal }) {
      const head = requestHead('GET', path, { ...headers, connection: 'close' })
      signal?.throwIfAborted()
      const connection = new PulledConnection(endpoint, timeoutMs, relayBytes)
      const abort = () => connection.end(signal?.reason)
      signal?.addEventListener('abort', abort)
      connections.add(connection)
      connection.onceClosed(() => {
        signal?.removeEventListener('abort', abort)
        connections.delete(connection)
      })
      try {
        connection.write(head)
        return await answerOf(connection)
      } catch (error) {
        connection.end()
        if (error instanceof UnknownAnswer) return undefined
        throw error
      }
    },
    close() {
      for (const connection of connections) connection.end()
    },
  }
}

async function answerOf(connection: PulledConnection): Promise<RelayedAnswer | undefined> {
  const { head, rest } = await readHead(connection)
  const length = bodyLength(head)
  if (length === undefined) {
    connection.end()
    return undefined
  }
  return {
    status: head.status,
    header: (name) => head.headers.get(name),
    chunks: chunksOf(connection, rest, length),
    close: () => connection.end(),
  }
}

async function* chunksOf(
  connection: PulledConnection,
  first: Buffer,
  length: number,
): AsyncGenerator<Buffer, void> {
  let left = length
  try {
    let chunk: Buffer | undefined = first
    while (left > 0) {
      if (chunk === undefined) throw new Error(`the connection was closed ${left} bytes before the end`)
      const wanted = chunk.subarray(0, left)
      left -= wanted.length
      if (wanted.length > 0) yield wanted
      if (left > 0) chunk = await connection.read()
    }
  } finally {
    connection.end()
  }
}
