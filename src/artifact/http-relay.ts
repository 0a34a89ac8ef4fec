import { bodyLength, type HttpHead, parseHead } from './http-head.ts'
import { PulledConnection } from './pulled-connection.ts'

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

const maxHeadBytes = 32 * 1024

export interface HttpRelay {
  /**
   * Resolves with undefined where the answer has no Content-Length: it is one for another client. Rejects with what the
   * connection failed with, or the signal's reason.
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
    async get(request) {
      const text = requestText(request)
      request.signal?.throwIfAborted()
      const connection = new PulledConnection(endpoint, timeoutMs, request.signal)
      connections.add(connection)
      connection.onceClosed(() => connections.delete(connection))
      try {
        connection.write(text)
        return await answerOf(connection)
      } catch (error) {
        connection.close()
        throw error
      }
    },
    close() {
      for (const connection of connections) connection.close()
    },
  }
}

function requestText({ path, headers }: RelayRequest): string {
  const fields = Object.entries({ ...headers, connection: 'close' })
  if (/[\r\n ]/.test(path) || fields.some(([, value]) => /[\r\n\0]/.test(value)))
    throw new Error('a request with a line break in it')
  return `GET ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

async function answerOf(connection: PulledConnection): Promise<RelayedAnswer | undefined> {
  const { head, rest } = await readHead(connection)
  const length = bodyLength(head)
  if (length === undefined) {
    connection.close()
    return undefined
  }
  return {
    status: head.status,
    header: (name) => head.headers.get(name),
    chunks: chunksOf(connection, rest, length),
    close: () => connection.close(),
  }
}

async function readHead(connection: PulledConnection): Promise<{ head: HttpHead; rest: Buffer }> {
  let bytes: Buffer = Buffer.alloc(0)
  while (bytes.length < maxHeadBytes) {
    const chunk = await connection.read()
    if (chunk === undefined) throw new Error('the connection was closed before an answer')
    // As a rule it is all in the first one, which isn't copied then.
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const head = parseHead(bytes)
    if (head !== undefined) return { head, rest: bytes.subarray(head.end) }
    bytes = Buffer.from(bytes)
  }
  throw new Error(`an answer with more than ${maxHeadBytes} bytes of head`)
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
    connection.close()
  }
}
