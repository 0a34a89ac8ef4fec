import { bodyLength, type HttpHead, requestHead, UnknownAnswer } from './http-head.ts'
import { PulledConnection, SilenceError } from './pulled-connection.ts'
import { readHead } from './read-head.ts'

export interface SmallPut {
  /** Percent-encoded, with its query. */
  path: string
  /** `host` and `content-length` among them. */
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  signal?: AbortSignal | undefined
}

export interface ShortAnswer {
  status: number
  header(name: string): string | undefined
  text: string
}

export interface HttpPuts {
  /**
   * Resolves with undefined where another client has to try it: the answer is unknown or has no length that is known
   * before, or a connection that had been kept was gone. Rejects with what the connection failed with, or the signal's reason.
   */
  put(request: SmallPut): Promise<ShortAnswer | undefined>
  /** Ends all connections. */
  close(): void
}

/** Most servers keep an idle connection for longer. */
const keepMs = 4000
const mostKept = 64
const bufferBytes = 16 * 1024
const longestText = 64 * 1024

/**
 * PUTs of small bodies over kept-alive connections, one at a time on each. Of 10,000 files a client for everything, as undici
 * is, takes a fifth of the uploader's time: its parser, streams and objects for each request and answer.
 */
export function createHttpPuts(endpoint: URL, timeoutMs: number): HttpPuts {
  const all = new Set<PulledConnection>()
  const kept: { connection: PulledConnection; until: number }[] = []
  let sweep: NodeJS.Timeout | undefined

  const open = () => {
    const connection = new PulledConnection(endpoint, timeoutMs, bufferBytes)
    all.add(connection)
    connection.onceClosed(() => all.delete(connection))
    return connection
  }
  const takeKept = () => {
    for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
      if (last.until > performance.now() && last.connection.isIdle) return last.connection
      last.connection.end()
    }
    return undefined
  }
  const keep = (connection: PulledConnection) => {
    if (kept.length >= mostKept || !connection.isIdle) return connection.end()
    connection.rest()
    kept.push({ connection, until: performance.now() + keepMs })
    sweep ??= setTimeout(endOld, keepMs).unref()
  }
  const endOld = () => {
    sweep = undefined
    // The last ones in it were used last.
    while (kept[0] !== undefined && kept[0].until <= performance.now()) kept.shift()?.connection.end()
    if (kept[0] !== undefined) sweep = setTimeout(endOld, kept[0].until - performance.now()).unref()
  }

  return {
    async put({ path, headers, body, signal }) {
      const head = requestHead('PUT', path, headers)
      signal?.throwIfAborted()
      const old = takeKept()
      const connection = old ?? open()
      const abort = () => connection.end(signal?.reason)
      signal?.addEventListener('abort', abort)
      try {
        connection.write(head, body)
        const answer = await answerOf(connection, old !== undefined)
        if (answer?.header('connection')?.toLowerCase() === 'close' || answer === undefined) connection.end()
        else keep(connection)
        // That too ends a connection that was kept.
        if (answer === undefined) signal?.throwIfAborted()
        return answer
      } catch (error) {
        connection.end()
        if (signal?.aborted) throw signal.reason
        if (error instanceof UnknownAnswer) return undefined
        throw error
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    close() {
      clearTimeout(sweep)
      for (const connection of all) connection.end()
    },
  }
}

async function answerOf(connection: PulledConnection, wasKept: boolean): Promise<ShortAnswer | undefined> {
  const read = readHead(connection)
  const first = await (wasKept ? read.catch(onlySilence) : read)
  if (first === undefined) return undefined
  const { head, rest } = first
  const answer = { status: head.status, header: (name: string) => head.headers.get(name), text: '' }
  const length = bodyLength(head)
  if (length === undefined && saysEnough(head)) {
    connection.end()
    return answer
  }
  if (length === undefined || length > longestText) return undefined
  let bytes = Buffer.from(rest)
  while (bytes.length < length) {
    const chunk = await connection.read()
    if (chunk === undefined) throw new Error('the connection was closed within the answer')
    bytes = Buffer.concat([bytes, chunk])
  }
  if (bytes.length > length) return undefined
  return { ...answer, text: bytes.toString() }
}

/** A store that took it, or that is in trouble, is not to get it once more at once. */
function saysEnough({ status }: HttpHead): boolean {
  return (status >= 200 && status < 300) || status >= 500
}

/** The server may have ended it just when it was used again. */
function onlySilence(error: unknown): undefined {
  if (error instanceof SilenceError) throw error
}
