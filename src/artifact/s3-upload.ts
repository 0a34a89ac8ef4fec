import { createHash } from 'node:crypto'
import { crc32Base64 } from './crc32.ts'
import { errorOfAnswer } from './s3-errors.ts'
import { headObject } from './s3-get.ts'
import type { S3Http } from './s3-http.ts'
import { elements, elementText, escapeXml, hasRoot, unquoted } from './s3-xml.ts'
import {
  isNotFound,
  type Part,
  type StoredObject,
  StoreError,
  type Upload,
  type WriteOptions,
} from './store.ts'

/** S3's multipart uploads; every key with the prefix. */

export async function createMultipartUpload(
  http: S3Http,
  key: string,
  signal?: AbortSignal,
): Promise<string> {
  const answer = await http.call({
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'COMPOSITE' },
    signal,
  })
  const id = elementText(answer.text, 'UploadId')
  if (!id) throw new StoreError('unavailable', `POST ${key}?uploads: an answer without UploadId`)
  return id
}

export async function uploadPart(
  http: S3Http,
  upload: Pick<Upload, 'key' | 'id'>,
  number: number,
  body: Uint8Array,
  signal?: AbortSignal,
): Promise<Part> {
  const crc32 = crc32Base64(body)
  const answer = await http.call({
    method: 'PUT',
    key: upload.key,
    query: { partNumber: String(number), uploadId: upload.id },
    headers: { 'x-amz-checksum-crc32': crc32 },
    body,
    signal,
  })
  return { number, etag: etagOf(answer.header('etag'), `PUT ${upload.key}`), crc32, size: body.byteLength }
}

/**
 * Completes the upload. It counts as completed as well where it is unknown but the object is what it would have
 * made: then an earlier answer got lost.
 */
export async function completeMultipartUpload(
  http: S3Http,
  upload: Pick<Upload, 'key' | 'id'>,
  parts: readonly Part[],
  signal?: AbortSignal,
  options?: WriteOptions,
): Promise<StoredObject> {
  try {
    const answer = await http.call({
      method: 'POST',
      key: upload.key,
      query: { uploadId: upload.id },
      headers: { 'content-type': 'application/xml', ...conditionOf(options) },
      body: Buffer.from(completionXml(parts)),
      signal,
    })
    return completed(upload.key, answer.text)
  } catch (error) {
    const etag = isNotFound(error) ? multipartEtag(parts) : undefined
    if (etag !== undefined && (await presentEtag(http, upload.key, signal)) === etag) return { etag }
    throw error
  }
}

/** AWS denies whoever may not list the bucket a look at what is not there, instead of saying so. */
async function presentEtag(http: S3Http, key: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return (await headObject(http, key, signal))?.etag
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'denied') return undefined
    throw error
  }
}

export async function abortMultipartUpload(
  http: S3Http,
  upload: Pick<Upload, 'key' | 'id'>,
  signal?: AbortSignal,
): Promise<boolean> {
  // MinIO answers 204 for an upload that it doesn't know.
  const open = await listUploads(http, upload.key, signal)
  try {
    const query = { uploadId: upload.id }
    await http.call({ method: 'DELETE', key: upload.key, query, signal })
    return open === undefined || open.includes(upload.id)
  } catch (error) {
    if (!isNotFound(error)) throw error
    return false
  }
}

/** Drops all uploads of exactly that key; none where the credentials don't allow to list them. */
export async function abortMultipartUploads(http: S3Http, key: string, signal?: AbortSignal): Promise<void> {
  for (const id of (await listUploads(http, key, signal)) ?? []) {
    await abortMultipartUpload(http, { key, id }, signal)
  }
}

/**
 * Undefined where the credentials don't allow to look. MinIO lists uploads for an exact key only, AWS those of every key
 * that begins with it.
 */
async function listUploads(http: S3Http, key: string, signal?: AbortSignal): Promise<string[] | undefined> {
  try {
    const query = { uploads: '', prefix: key }
    const answer = await http.call({ method: 'GET', key: '', query, signal })
    return elements(answer.text, 'Upload').flatMap((upload) => {
      const id = elementText(upload, 'UploadId')
      return id === undefined || elementText(upload, 'Key') !== key ? [] : [id]
    })
  } catch (error) {
    // Some stores have no such call.
    if (error instanceof StoreError && (error.kind === 'denied' || error.kind === 'invalid')) return undefined
    throw error
  }
}

/** The ETag that S3 gives to an object of these parts; undefined where theirs are no MD5 (some encryption). */
export function multipartEtag(parts: readonly Pick<Part, 'etag'>[]): string | undefined {
  const hash = createHash('md5')
  for (const { etag } of parts) {
    if (!/^[0-9a-f]{32}$/.test(etag)) return undefined
    hash.update(etag, 'hex')
  }
  return `${hash.digest('hex')}-${parts.length}`
}

/** RFC 9110, section 13.1.2; AWS, MinIO and Ceph keep to it for PutObject and CompleteMultipartUpload. */
export function conditionOf(options: WriteOptions | undefined): Record<string, string> {
  if (options?.ifMatch !== undefined) return { 'if-match': `"${options.ifMatch}"` }
  return options?.ifAbsent === true ? { 'if-none-match': '*' } : {}
}

/** An ETag header's value without quotes; an answer without one is no success. */
export function etagOf(header: string | undefined, request: string): string {
  if (!header) throw new StoreError('unavailable', `${request}: an answer without ETag`)
  return unquoted(header)
}

function completionXml(parts: readonly Part[]): string {
  const elements = parts.map(
    ({ number, etag, crc32 }) =>
      `<Part><ChecksumCRC32>${escapeXml(crc32)}</ChecksumCRC32><ETag>&quot;${escapeXml(etag)}&quot;</ETag>` +
      `<PartNumber>${number}</PartNumber></Part>`,
  )
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
  return `<CompleteMultipartUpload xmlns="${namespace}">${elements.join('')}</CompleteMultipartUpload>`
}

/** S3 begins its answer 200 before the work is done, so an error can follow in the body. */
function completed(key: string, xml: string): StoredObject {
  const request = `POST ${key}?uploadId`
  if (hasRoot(xml, 'Error')) {
    const [code, message] = [elementText(xml, 'Code'), elementText(xml, 'Message')]
    throw errorOfAnswer(request, { status: 500, code, message })
  }
  return { etag: etagOf(elementText(xml, 'ETag'), request) }
}
