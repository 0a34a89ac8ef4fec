import { jobKeys } from '../../result-format/job-keys.ts'
import { isWholeObject } from '../../result-format/stored-form.ts'
import type { PresignOptions } from '../../store/store.ts'
import { damageOfObject } from '../damages.ts'
import type { FileSource } from '../file-source.ts'
import { storeProblem } from '../store-problem.ts'
import type { Answer } from './answer.ts'
import type { Conditions } from './conditional.ts'
import { contentHeaders, type Described } from './file-headers.ts'
import type { ReadableFile } from './readable-file.ts'

/** Lifetime of a presigned URL; a read that began before its expiry continues. */
const expiresSeconds = 300

/**
 * A 307 to a presigned URL of the file's object, with the digest of its bytes; `ownHeaders` are
 * those of the answer that this API would send. Undefined if this API must send the bytes: clients can't reach
 * the store, the file lies in a pack, its object is damaged, or the request has a condition with a
 * validator, which the client would repeat to the store, whose ETags and dates differ. Rejects with
 * Problem `unavailable`.
 */
export async function redirected(
  { store, uuid, attempt }: FileSource,
  file: ReadableFile,
  request: { method: string; headers: Conditions; signal?: AbortSignal },
  described: Described,
  ownHeaders: Record<string, string>,
): Promise<Answer | undefined> {
  if (store.presign === undefined || !isWholeObject(file) || file.etag === undefined) return undefined
  if (namesValidator(request.headers)) return undefined
  const key = jobKeys.file(uuid, attempt, file.key)
  const object = await store.head(key, request.signal).catch((error: unknown) => {
    throw storeProblem(error)
  })
  if (damageOfObject(file, object) !== undefined) return undefined
  const { 'Content-Type': contentType = '', 'Content-Disposition': contentDisposition = '' } = contentHeaders(
    file,
    described,
    'store',
  )
  const method: PresignOptions['method'] = request.method === 'HEAD' ? 'HEAD' : 'GET'
  const location = await store.presign(key, { method, expiresSeconds, contentType, contentDisposition })
  const { 'Content-Type': _type, 'Content-Disposition': _disposition, ...headers } = ownHeaders
  return {
    status: 307,
    headers: {
      ...headers,
      Location: location,
      // A cache could keep the URL beyond its expiry.
      'Cache-Control': 'no-store',
      'Content-Length': '0',
      // Links in the file must not reveal its URL as their referrer: the URL alone gives read
      // access.
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
