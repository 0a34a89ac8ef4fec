import type { Readable } from 'node:stream'
import { KindError } from '../util/errors.ts'
import type { Sink } from '../util/sink.ts'
import type { ObjectReaders } from './read-access.ts'

/**
 * The store for artifacts: a bucket (s3.ts) or a folder (folder.ts). Keys are relative, with `/`
 * between their components; the S3 adapter adds S3_PREFIX. Both adapters pass
 * test/store/conformance/.
 *
 * Every method rejects with StoreError, or with the signal's reason once the signal is aborted.
 */
export interface ArtifactStore {
  /** For log lines and messages: `s3 http://127.0.0.1:9000/jobferry` or `folder /srv/data`. */
  readonly name: string

  /** Proves that objects can be written and read; creates a missing bucket or folder if allowed. */
  prepare(signal?: AbortSignal): Promise<void>

  /**
   * Writes one object atomically: readers see the old object or the new one, never a part. With
   * `ifAbsent` it rejects `precondition-failed` if the object exists. That object may be this same
   * body, written by an earlier attempt whose answer was lost.
   */
  put(key: string, body: Uint8Array, signal?: AbortSignal, options?: WriteOptions): Promise<StoredObject>

  /**
   * The object's bytes, or a range of them. Rejects `not-found`, and `precondition-failed` if the
   * ETag is not `ifMatch`. The stream has exactly `length` bytes; if they can't all be delivered,
   * it is destroyed with a StoreError. A caller that stops reading early must destroy the stream.
   */
  get(key: string, options?: GetOptions): Promise<ObjectBody>

  /**
   * As get(), for bytes that are only passed on: a large object takes about half the time.
   * `sinkFor` is called once with the object's head and returns the sink for the bytes. An error of
   * `sinkFor` or of the sink ends the read, and relay() rejects with it. Undefined if the store has
   * no faster way than get(); call it through relay() of relay.ts.
   */
  relay?(key: string, sinkFor: SinkFor, options?: GetOptions): Promise<void>

  /** Size, ETag and modification time; undefined if the object does not exist. */
  head(key: string, signal?: AbortSignal): Promise<ObjectHead | undefined>

  /**
   * Objects whose key begins with `prefix`, in the order of the keys' UTF-8 bytes, from the first
   * one after the key `after`. Pages are fetched as the iteration proceeds.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>

  /** Removes the objects; an object that does not exist counts as removed. */
  remove(keys: readonly string[], signal?: AbortSignal): Promise<void>

  /**
   * Begins an upload in parts of `partSize` bytes, at least 5 MiB (S3's minimum); the last may be
   * smaller.
   */
  createUpload(key: string, partSize: number, signal?: AbortSignal): Promise<MultipartUpload>

  /**
   * Sends part `number` (from 1 on); a second call replaces it. `body` must not change meanwhile.
   */
  putPart(
    upload: MultipartUpload,
    number: number,
    body: PartBody,
    signal?: AbortSignal,
    options?: PartOptions,
  ): Promise<Part>

  /**
   * Makes the object of all `parts`, in order. If it rejects due to `ifAbsent`, the upload stays
   * open.
   */
  completeUpload(
    upload: MultipartUpload,
    parts: readonly Part[],
    signal?: AbortSignal,
    options?: WriteOptions,
  ): Promise<StoredObject>

  /** Drops the upload and its parts; false if the upload is unknown, dropped or completed. */
  abortUpload(upload: Pick<MultipartUpload, 'key' | 'id'>, signal?: AbortSignal): Promise<boolean>

  /**
   * Drops every open upload of exactly this key, also those of createUpload() calls whose answer
   * was lost. Does nothing if the store's credentials don't allow it to list uploads.
   */
  abortUploads(key: string, signal?: AbortSignal): Promise<void>

  /**
   * A URL with which a client can read the object for a limited time, without credentials. It makes
   * no request, so the object may be absent or another one. Undefined if clients cannot reach the
   * store.
   */
  presign?(key: string, options: PresignOptions): Promise<string>

  /** Issues keys that read one object; undefined if the store has no such keys. */
  readonly readers?: ObjectReaders

  /** Ends idle connections. */
  close(): Promise<void>
}

export type PartBody = Uint8Array | StreamedPart

/** A part that is too large for the memory: its bytes are read again for each attempt. */
export interface StreamedPart {
  byteLength: number
  /** Of its bytes, as in Part: a store that gets others rejects with `corrupt`. */
  crc32: string
  /** The bytes from the part's beginning; no piece changes after it was given. */
  pieces(): AsyncIterable<Uint8Array>
}

/** The store's ETag without quotes. It is strong: different bytes never have the same one. */
export interface StoredObject {
  etag: string
}

export interface ObjectHead extends StoredObject {
  size: number
  /** Time of the last write. */
  modified: Date
}

export interface BodyHead extends ObjectHead {
  /**
   * Bytes of the body: of the range or of the whole object. `size` is always the whole object's.
   */
  length: number
}

export interface ObjectBody extends BodyHead {
  stream: Readable
}

/** Returns the sink for a body's bytes, once its head is known. */
export type SinkFor = (head: BodyHead) => Sink

export interface WriteOptions {
  /** Writes only if the object does not exist: of several writers the first one wins. */
  ifAbsent?: boolean
  /**
   * Writes only if the object has this ETag; else `precondition-failed`, or `not-found` if it does
   * not exist. A folder cannot detect two processes that write at the same moment.
   */
  ifMatch?: string
  /**
   * For put(): the body's SHA-256 in lower-case hex, where the caller has it. It saves a second
   * hash.
   */
  sha256?: string
}

export interface PartOptions {
  /** The manifest has a digest by which readers check these bytes. */
  isChecked?: boolean
}

export interface GetOptions {
  /**
   * First byte, from 0 on. Negative: that many of the last bytes, or all if the object has fewer.
   */
  offset?: number
  /** Number of bytes from `offset` on; default: up to the end. Not with a negative offset. */
  length?: number
  ifMatch?: string
  signal?: AbortSignal
}

export interface PresignOptions {
  method: 'GET' | 'HEAD'
  expiresSeconds: number
  /**
   * Header of the store's answer, as is `contentDisposition`: they replace the store's own values.
   */
  contentType: string
  contentDisposition: string
}

export interface ListOptions {
  after?: string
  /**
   * About how many objects the caller takes: the first page of the store's answer is not larger.
   */
  expected?: number
  signal?: AbortSignal
}

export interface ListedObject {
  key: string
  size: number
}

/** An open upload. Checkpoints hold it whole, as JSON. */
export interface MultipartUpload {
  key: string
  id: string
  partSize: number
}

export interface Part {
  number: number
  etag: string
  /** The CRC32 that the store has verified: base64 of its four bytes, big-endian. */
  crc32: string
  size: number
}

/**
 * - `not-found`: no such object, bucket or upload
 * - `precondition-failed`: the object's ETag is not `ifMatch`, or the object exists in spite of
 *   `ifAbsent`
 * - `invalid`: the store refuses the request itself (a key that it can't hold); a retry won't help
 * - `denied`: credentials are missing, wrong, expired or not sufficient; new ones may help
 * - `full`: the quota or the disk is full
 * - `corrupt`: the bytes received differ from the bytes sent (CRC32, length); sending them again
 *   helps
 * - `unavailable`: refused, reset, timed out, 5xx, 503 SlowDown; a later attempt may succeed
 */
export type StoreErrorKind =
  | 'not-found'
  | 'precondition-failed'
  | 'invalid'
  | 'denied'
  | 'full'
  | 'corrupt'
  | 'unavailable'

export class StoreError extends KindError<StoreErrorKind> {
  /** S3's error code, if the answer has one. */
  readonly s3Code: string | undefined

  constructor(
    kind: StoreErrorKind,
    message: string,
    options?: { cause?: unknown; s3Code?: string | undefined },
  ) {
    super(kind, message, options)
    this.s3Code = options?.s3Code
  }
}

/**
 * True for `precondition-failed`: the object exists in spite of `ifAbsent`, or has another ETag.
 */
export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'precondition-failed'
}

export function isNotFound(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'not-found'
}
