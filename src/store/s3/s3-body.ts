import { createHash, hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { PartBody, PartOptions } from '../store.ts'

/** What of a request's body goes into its signature. */
export interface SignedBody {
  body?: PartBody
  /** SHA-256 of the body in lower-case hex, where the caller has it. */
  sha256?: string | undefined
  /** A part of an upload: its body may be left out of the signature. */
  part?: PartOptions
}

/**
 * Empty for a body that is not signed: of a part that TLS protects, or by default one that readers
 * check. A second hash of those costs more than it gives:
 * docs/decisions/store/009-a-request-is-signed-with-its-body.md
 */
export async function payloadDigest(
  { body, sha256, part }: SignedBody,
  isTls: boolean,
  signParts: boolean,
): Promise<{ payloadSha256?: string }> {
  if (part !== undefined && !signParts && (isTls || part.isChecked)) return {}
  if (sha256 !== undefined) return { payloadSha256: sha256 }
  if (body === undefined) return { payloadSha256: sha256OfNothing }
  if (body instanceof Uint8Array) return { payloadSha256: hash('sha256', body) }
  const digest = createHash('sha256')
  for await (const piece of body.pieces()) digest.update(piece)
  return { payloadSha256: digest.digest('hex') }
}

const sha256OfNothing = hash('sha256', '')

/**
 * undici starts its timeout when it hands a buffer to the socket, so a large buffer would fail on a
 * slow link. With an iterable, each piece that the socket takes restarts the timeout.
 */
export function s3RequestBody(body: PartBody): Uint8Array | Readable {
  if (body instanceof Uint8Array && body.byteLength <= pieceBytes) return body
  const iterable = body instanceof Uint8Array ? pieces(body) : body.pieces()
  // undici accepts any async iterable, as its documentation says; its types name only Readable.
  return iterable as AsyncIterable<unknown> as Readable
}

async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < body.byteLength; start += pieceBytes) {
    yield body.subarray(start, start + pieceBytes)
  }
}

const pieceBytes = 256 * 1024
