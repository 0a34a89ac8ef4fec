import { type HttpHead, parseHead, UnknownAnswer } from './http-head.ts'
import type { PulledConnection } from './pulled-connection.ts'

const maxHeadBytes = 32 * 1024

/**
 * The head of an answer, and what of its body came with it. Rejects with what the connection failed with, where it
 * ended first, and with UnknownAnswer.
 */
export async function readHead(connection: PulledConnection): Promise<{ head: HttpHead; rest: Buffer }> {
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
  throw new UnknownAnswer(`an answer with more than ${maxHeadBytes} bytes of head`)
}
