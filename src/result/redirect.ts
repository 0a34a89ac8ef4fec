import { layout } from '../artifact/layout.ts'
import type { PresignOptions } from '../artifact/store.ts'
import type { Answer } from './answer.ts'
import type { Conditions } from './conditional.ts'
import { damageOfObject } from './damages.ts'
import type { FileSource } from './entry-bytes.ts'
import { contentHeaders } from './file-headers.ts'
import { storeProblem } from './opened.ts'
import type { ReadableFile } from './readable-file.ts'

/** How long an address of the store is good for; a read that began before goes on. */
const expiresSeconds = 300

/**
 * A 307 to the file's object at the store's own address, with the digest that its bytes must have; undefined where the
 * bytes have to come from here: no address that clients reach, an object that holds more than this file, one that isn't
 * as it was, a condition with an ETag, which the client would repeat to the store, whose ETags are others. `described` are
 * the fields of the file's own answer. Rejects with Problem `unavailable`.
 */
export async function redirected(
  { store, uuid, attempt }: FileSource,
  file: ReadableFile,
  request: { method: string; headers: Conditions; signal?: AbortSignal },
  described: Record<string, string>,
): Promise<Answer | undefined> {
  if (store.presign === undefined || file.offset !== undefined || file.etag === undefined) return undefined
  if (namesValidator(request.headers)) return undefined
  const key = layout.file(uuid, attempt, file.key)
  const object = await store.head(key, request.signal).catch((error: unknown) => {
    throw storeProblem(error)
  })
  if (damageOfObject(file, object) !== undefined) return undefined
  const { 'Content-Type': contentType = '', 'Content-Disposition': contentDisposition = '' } = contentHeaders(
    file,
    'store',
  )
  const method: PresignOptions['method'] = request.method === 'HEAD' ? 'HEAD' : 'GET'
  const location = await store.presign(key, { method, expiresSeconds, contentType, contentDisposition })
  const { 'Content-Type': _type, 'Content-Disposition': _disposition, ...headers } = described
  return {
    status: 307,
    headers: {
      ...headers,
      Location: location,
      // The address ends before any cache would forget it.
      'Cache-Control': 'no-store',
      'Content-Length': '0',
      // What the file links to is not to hear where it lies: the address is all that it takes to read it.
      'Referrer-Policy': 'no-referrer',
    },
  }
}

function namesValidator(headers: Conditions): boolean {
  const isNamed = (value: string | string[] | undefined) => value !== undefined && value !== '*'
  return (
    isNamed(headers['if-match']) || isNamed(headers['if-range']) || isNamed(headers['if-unmodified-since'])
  )
}
