import type { Sink } from '../../../util/sink.ts'
import { relayBytes } from '../../relay.ts'
import { ConnectionPool } from './connection-pool.ts'
import { bodyLength, type HttpHead, requestHead, UnknownAnswer } from './http-head.ts'
import { type PulledConnection, SilenceError } from './pulled-connection.ts'
import { type AnswerStart, readAnswerHead } from './read-answer-head.ts'

export interface AnswerHead {
  status: number
  header(name: string): string | undefined
}

export interface RelayRequest {
  /** Percent-encoded, with the query. */
  path: string
  /** With `host`. */
  headers: Readonly<Record<string, string>>
  signal?: AbortSignal | undefined
}

export interface HttpRelay {
  /**
   * Passes the answer's body, of Content-Length bytes, to the sink that `sinkFor` returns for its
   * head. Resolves with false if it passed nothing on: `sinkFor` returned no sink, or the answer
   * has no Content-Length or an unknown form, which needs another client. Rejects with the
   * connection's error, the signal's reason, or SinkFailure.
   */
  get(request: RelayRequest, sinkFor: (answer: AnswerHead) => Sink | undefined): Promise<boolean>
  /** Ends all connections. */
  close(): void
}

/** The connection did not fail: `cause` is the error of the sink, or of the function `sinkFor`. */
export class SinkFailure extends Error {
  override name = 'SinkFailure'
}

/** Shorter than the time for which most servers keep an idle connection. */
const keepMs = 4000
/** Maximum of idle connections; each holds a buffer of relayBytes. */
const mostKept = 8

/**
 * GETs large bodies over kept-alive connections, each of which always reads into the same buffer. A
 * client that allocates memory for every read, as undici and node:http do, takes twice the time for
 * a body that is only passed on. A connection is ended if an expected byte does not arrive within
 * `timeoutMs`.
 */
export function createHttpRelay(endpoint: URL, timeoutMs: number): HttpRelay {
  const pool = new ConnectionPool({ endpoint, timeoutMs, bufferBytes: relayBytes, keepMs, mostKept })
  return {
    async get({ path, headers, signal }, sinkFor) {
      const request = requestHead('GET', path, headers)
      signal?.throwIfAborted()
      const kept = pool.takeKept()
      let connection = kept ?? pool.open()
      let isReusable = false
      const abort = () => connection.end(signal?.reason)
      signal?.addEventListener('abort', abort)
      try {
        let answer = await answerTo(request, connection, kept !== undefined)
        signal?.throwIfAborted()
        if (answer === undefined) {
          connection.end()
          connection = pool.open()
          answer = await answerTo(request, connection, false)
        }
        if (answer === undefined) return false
        const { head, rest } = answer
        const length = bodyLength(head)
        const sink = length === undefined ? undefined : await inSink(() => sinkFor(answerHead(head)))
        if (length === undefined || sink === undefined) return false
        const isExact = await passOn(connection, rest, length, sink)
        isReusable = isExact && head.headers.get('connection')?.toLowerCase() !== 'close'
        return true
      } catch (error) {
        if (error instanceof UnknownAnswer) return false
        throw error
      } finally {
        signal?.removeEventListener('abort', abort)
        if (isReusable) pool.keep(connection)
        else connection.end()
      }
    },
    close: () => pool.close(),
  }
}

/**
 * Undefined if a kept connection failed: the server may have closed it at the moment of its reuse.
 */
async function answerTo(
  request: string,
  connection: PulledConnection,
  wasKept: boolean,
): Promise<AnswerStart | undefined> {
  connection.write(request)
  const answer = readAnswerHead(connection)
  return await (wasKept ? answer.catch(ifKept) : answer)
}

async function ifKept(error: unknown): Promise<undefined> {
  if (error instanceof SilenceError || error instanceof UnknownAnswer) throw error
}

function answerHead({ status, headers }: HttpHead): AnswerHead {
  return { status, header: (name) => headers.get(name) }
}

/** Resolves with true if the server sent nothing after the body. */
async function passOn(
  connection: PulledConnection,
  first: Buffer,
  length: number,
  sink: Sink,
): Promise<boolean> {
  let left = length
  let chunk: Buffer | undefined = first
  for (;;) {
    const wanted: Buffer = chunk.subarray(0, left)
    left -= wanted.length
    if (wanted.length > 0) await inSink(() => sink(wanted))
    if (left === 0) return wanted.length === chunk.length
    chunk = await connection.read()
    if (chunk === undefined) throw new Error(`the connection was closed ${left} bytes before the end`)
  }
}

async function inSink<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new SinkFailure('the sink failed', { cause })
  }
}
