import type { Request } from 'express'
import { decodeUtf8 } from '../artifact/entry.ts'
import { invalid, Problem } from '../errors.ts'

/** Of everything in a request but inputs. */
export const maxTextBytes = 1024 * 1024

/** The type in a Content-Type header, lower case, without parameters. */
export function contentType(req: Request): string | undefined {
  return req.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
}

/** Refuses a compressed body: nothing here decodes one. */
export function refuseEncoded(req: Request): void {
  const encoding = req.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported-media-type', 'Send the body without a Content-Encoding')
  }
}

export function unsupported(accepted: string): Problem {
  return new Problem('unsupported-media-type', `Send the body as ${accepted}`)
}

/** A body of text, whole. Rejects `too-large` beyond `maxTextBytes`. */
export async function readBody(req: Request): Promise<Buffer> {
  refuseEncoded(req)
  if (Number(req.headers['content-length']) > maxTextBytes) throw tooLarge('body')
  return await collect(req, 'body')
}

/** The bytes of a stream, which may be left unfinished. Rejects `too-large` beyond `maxTextBytes`. */
export async function collect(stream: NodeJS.ReadableStream, name: string): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= maxTextBytes) chunks.push(chunk)
      else reject(tooLarge(name))
    })
    stream.on('end', () => resolve(Buffer.concat(chunks)))
    stream.on('error', reject)
    stream.on('close', () => reject(invalid(name, 'was cut short', 'all of it')))
  })
}

/** The value of a JSON text. Rejects `invalid-request` naming `field`. */
export function parseJson(bytes: Uint8Array, field: string): unknown {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw invalid(field, 'is no UTF-8', 'a JSON object')
  try {
    return JSON.parse(text)
  } catch (error) {
    const problem = new Problem('invalid-request', `${field}: is no JSON; expected a JSON object`, {
      errors: [{ field, problem: 'is no JSON', expected: 'a JSON object' }],
      cause: error,
    })
    throw problem
  }
}

function tooLarge(name: string): Problem {
  const expected = `at most ${maxTextBytes} bytes`
  return new Problem('too-large', `${name}: is too large; expected ${expected}`, {
    errors: [{ field: name, problem: 'is too large', expected }],
  })
}
