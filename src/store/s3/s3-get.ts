import { Readable } from 'node:stream'
import { defined } from '../../util/objects.ts'
import { exactLength } from '../exact-length.ts'
import { relayBody, relayFromBytes } from '../relay.ts'
import {
  type BodyHead,
  type GetOptions,
  isNotFound,
  type ObjectBody,
  type ObjectHead,
  type SinkFor,
  StoreError,
} from '../store.ts'
import { errorOfFailure } from './s3-errors.ts'
import type { S3Answer, S3Http } from './s3-http.ts'
import { unquoted } from './s3-xml.ts'

/** ArtifactStore.get; `key` includes the prefix. */
export async function getObject(http: S3Http, key: string, options: GetOptions): Promise<ObjectBody> {
  const range = rangeHeader(options)
  if (range === 'nothing') return emptyBody(await headOf(http, key, options))
  try {
    const answer = await http.send({
      method: 'GET',
      key,
      headers: { ...conditions(options), ...defined({ range }) },
      signal: options.signal,
    })
    return bodyOf(answer, key, options, range !== undefined)
  } catch (error) {
    // The last bytes of an empty object are no valid range in HTTP (RFC 9110, 14.1.2).
    if ((options.offset ?? 0) < 0 && error instanceof StoreError && error.kind === 'invalid') {
      const head = await headOf(http, key, options)
      if (head.size === 0) return emptyBody(head)
    }
    throw error
  }
}

/**
 * ArtifactStore.relay; `key` includes the prefix. get() reads a range without a length: it may be
 * short.
 */
export async function relayObject(
  http: S3Http,
  key: string,
  sinkFor: SinkFor,
  options: GetOptions,
): Promise<void> {
  const range = rangeHeader(options)
  if (range !== undefined && (options.length ?? 0) >= relayFromBytes) {
    const headers = { ...conditions(options), range }
    const isRelayed = await http.relay({ method: 'GET', key, headers, signal: options.signal }, (answer) =>
      sinkFor(headOfBody(answer, key, options, true)),
    )
    if (isRelayed) return
  }
  await relayBody(await getObject(http, key, options), sinkFor)
}

/** ArtifactStore.head; `key` includes the prefix. */
export async function headObject(
  http: S3Http,
  key: string,
  signal?: AbortSignal,
): Promise<ObjectHead | undefined> {
  try {
    return await headOf(http, key, defined({ signal }))
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  if (!(await isGone(http, key, signal)))
    throw new StoreError('unavailable', `HEAD ${key}: 404, but it is there`)
  return undefined
}

/**
 * A HEAD's 404 has no body and so no error code: the answers of gateway and store look the same.
 * The error code in the answer to a GET tells them apart.
 */
async function isGone(http: S3Http, key: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const answer = await http.send({ method: 'GET', key, headers: { range: 'bytes=0-0' }, signal })
    await answer.body.dump()
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    // An empty object has no first byte.
    if (error instanceof StoreError && error.kind === 'invalid') return false
    throw error
  }
}

/**
 * The Range header; undefined for the whole object, `nothing` for an empty range (HTTP has no
 * form).
 */
export function rangeHeader(options: Pick<GetOptions, 'offset' | 'length'>): string | undefined {
  const offset = options.offset ?? 0
  if (offset < 0) return `bytes=${offset}`
  if (options.length === 0) return 'nothing'
  if (options.length !== undefined) return `bytes=${offset}-${offset + options.length - 1}`
  return offset === 0 ? undefined : `bytes=${offset}-`
}

async function headOf(http: S3Http, key: string, options: GetOptions): Promise<ObjectHead> {
  const answer = await http.send({
    method: 'HEAD',
    key,
    headers: conditions(options),
    signal: options.signal,
  })
  await answer.body.dump()
  const head = { size: Number(answer.header('content-length') ?? Number.NaN), ...written(answer) }
  if (!Number.isSafeInteger(head.size))
    throw new StoreError('unavailable', `HEAD ${key}: an answer without length`)
  checkMatch(key, head.etag, options)
  if (options.length === 0 && (options.offset ?? 0) > head.size) throw pastEnd(key, options, head.size)
  return head
}

function bodyOf(answer: S3Answer, key: string, options: GetOptions, ranged: boolean): ObjectBody {
  const { body } = answer
  try {
    const head = headOfBody(answer, key, options, ranged)
    const onFailure = (error: unknown) => failureOf(error, key, options)
    return { ...head, stream: exactLength(body, head.length, `GET ${key}`, onFailure) }
  } catch (error) {
    body.on('error', () => {}).destroy()
    throw error
  }
}

function headOfBody(answer: Head, key: string, options: GetOptions, ranged: boolean): BodyHead {
  const { size, length } = sizes(answer, key, ranged)
  const head = written(answer)
  checkMatch(key, head.etag, options)
  return { size, length, ...head }
}

function failureOf(error: unknown, key: string, { signal }: GetOptions): Error {
  return signal?.aborted ? asError(signal.reason) : errorOfFailure(`GET ${key}`, error)
}

/**
 * The whole object's size and the body's length. For the last bytes of an empty object, a range
 * that HTTP cannot express, MinIO answers 206 with `bytes 0--1/0`.
 */
function sizes(answer: Head, key: string, ranged: boolean): { size: number; length: number } {
  const length = Number(answer.header('content-length') ?? Number.NaN)
  const total = /^bytes .*\/(\d+)$/.exec(answer.header('content-range') ?? '')?.[1]
  const size = answer.status === 206 && total !== undefined ? Number(total) : length
  if (Number.isSafeInteger(length) && ranged === (answer.status === 206) && size >= length)
    return { size, length }
  throw new StoreError('unavailable', `GET ${key}: ${answer.status} without the range or length asked for`)
}

type Head = Pick<S3Answer, 'status' | 'header'>

function written(answer: Head): Pick<ObjectHead, 'etag' | 'modified'> {
  return {
    etag: unquoted(answer.header('etag') ?? ''),
    modified: new Date(answer.header('last-modified') ?? Number.NaN),
  }
}

function conditions(options: GetOptions): Record<string, string> {
  return options.ifMatch === undefined ? {} : { 'if-match': `"${options.ifMatch}"` }
}

/** Compares the ETags here as well, since not every S3 server honours If-Match. */
function checkMatch(key: string, etag: string, options: GetOptions): void {
  if (options.ifMatch !== undefined && options.ifMatch !== etag) {
    throw new StoreError('precondition-failed', `${key}: the ETag is ${etag}, not ${options.ifMatch}`)
  }
}

function emptyBody(head: ObjectHead): ObjectBody {
  return { ...head, length: 0, stream: Readable.from([]) }
}

function pastEnd(key: string, options: GetOptions, size: number): StoreError {
  return new StoreError('invalid', `${key}: offset ${options.offset} lies behind its ${size} bytes`)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
