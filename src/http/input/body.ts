import type { Request } from 'express'
import { invalid, Problem } from '../../util/errors.ts'
import { type BodyCharge, chargeOf, maxTextBytes } from '../limits/body-budget.ts'
import { parseJson } from './json.ts'

/** The media type of the Content-Type header, in lower case, without parameters. */
export function contentType(req: Request): string | undefined {
  return req.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
}

/** Refuses a compressed body, since the API does not decode it. */
export function refuseEncoded(req: Request): void {
  const encoding = req.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported-media-type', 'Send the body without a Content-Encoding')
  }
}

/** Refuses the body of a request whose parameters all are in the query: ignored, they would be missed. */
export function refuseBody({ headers }: Request): void {
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return
  throw invalid('body', 'is not read here', 'the parameters in the query, and no body')
}

export function unsupported(accepted: string): Problem {
  return new Problem('unsupported-media-type', `Send the body as ${accepted}`)
}

/**
 * Reads a whole body of text. Rejects with Problem `too-large` beyond the caller's limit, `busy`
 * without room.
 */
export async function readBody(req: Request): Promise<Buffer> {
  refuseEncoded(req)
  const charge = chargeOf(req)
  if (Number(req.headers['content-length']) > charge.mostBytes) throw tooLarge('body', charge.mostBytes)
  return await collectBytes(req, 'body', charge)
}

/** The parsed value of an `application/json` body. */
export async function readJsonBody(req: Request): Promise<unknown> {
  if (contentType(req) !== 'application/json') throw unsupported('application/json')
  return parseJson(await readBody(req), 'body')
}

type Charge = Pick<BodyCharge, 'mostBytes' | 'add'>

/**
 * The bytes of a stream. Rejects with Problem `too-large` beyond the charge's limit, `busy` if the
 * budget has no room, and `invalid-request` if the stream is cut short.
 */
export async function collectBytes(
  stream: NodeJS.ReadableStream,
  name: string,
  charge: Charge,
): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const text = new GrowingText(name, charge)
    const add = (chunk: Buffer) => {
      try {
        text.add(chunk)
      } catch (error) {
        stream.off('data', add)
        stream.resume()
        reject(error)
      }
    }
    stream.on('data', add)
    stream.on('end', () => resolve(text.bytes()))
    stream.on('error', reject)
    stream.on('close', () => reject(invalid(name, 'was cut short', 'the whole content')))
  })
}

const firstBytes = 4 * 1024

/**
 * One buffer that doubles: a list of the chunks of a body that comes byte by byte takes a hundred
 * times its length.
 */
class GrowingText {
  readonly #name: string
  readonly #charge: Charge
  #buffer = Buffer.alloc(0)
  #length = 0

  constructor(name: string, charge: Charge) {
    this.#name = name
    this.#charge = charge
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length
    const most = this.#charge.mostBytes
    if (length > most) throw tooLarge(this.#name, most)
    if (length > this.#buffer.length)
      this.#grow(Math.min(most, Math.max(length, firstBytes, 2 * this.#length)))
    chunk.copy(this.#buffer, this.#length)
    this.#length = length
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #grow(size: number): void {
    this.#charge.add(size - this.#buffer.length)
    const larger = Buffer.allocUnsafeSlow(size)
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Problem `too-large` for a text of more than `most` bytes. */
export function tooLarge(name: string, most = maxTextBytes): Problem {
  const expected = `at most ${most} bytes`
  return new Problem('too-large', `${name}: is too large; expected ${expected}`, {
    errors: [{ field: name, problem: 'is too large', expected }],
  })
}
