import { type HttpHead, parseHead, UnknownAnswer } from './http-head.ts'
import type { PulledConnection } from './pulled-connection.ts'

const maxHeadBytes = 32 * 1024

export interface AnswerStart {
  head: HttpHead
  /** Bytes of the body that came with the head; valid until the next read. */
  rest: Buffer
}

/** Rejects with the connection's error, an Error if it ended within the head, or UnknownAnswer. */
export async function readAnswerHead(connection: PulledConnection): Promise<AnswerStart> {
  let bytes: Buffer = Buffer.alloc(0)
  while (bytes.length < maxHeadBytes) {
    const chunk = await connection.read()
    if (chunk === undefined) throw new Error('the connection was closed before an answer')
    // The first chunk usually contains the whole head; it is not copied then.
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const head = parseHead(bytes)
    if (head !== undefined) return { head, rest: bytes.subarray(head.end) }
    bytes = Buffer.from(bytes)
  }
  throw new UnknownAnswer(`an answer with more than ${maxHeadBytes} bytes of head`)
}
