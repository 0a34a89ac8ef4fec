import type { Readable } from 'node:stream'

/**
 * Where artifacts lie: a bucket (s3.ts) or a folder (folder.ts). Keys are relative, `/` between their
 * components; S3_PREFIX is the adapter's business. Both adapters pass test/artifact/store.conformance.ts.
 *
 * Every method rejects with StoreError; a signal that is aborted rejects with its reason.
 */
export interface ArtifactStore {
  /** For people: `s3 http://127.0.0.1:9000/jobferry` or `folder /srv/data`. */
  readonly name: string

  /** Proves that the store can be written and read; creates the bucket or folder where it is absent and allowed. */
  prepare(signal?: AbortSignal): Promise<void>

  /**
   * Writes one object whole: readers see the old one or the new one, never a part. With `ifAbsent` it rejects
   * `precondition-failed` where there is one, which may be this very body: of an earlier try whose answer got lost.
   */
  put(key: string, body: Uint8Array, signal?: AbortSignal, options?: WriteOptions): Promise<StoredObject>

  /**
   * The object's bytes, or the range of them; rejects `not-found`, and `precondition-failed` where `ifMatch`
   * is another object's ETag. A stream that can't be delivered whole is destroyed with a StoreError: its
   * length always equals `length`. Whoever stops reading early destroys the stream.
   */
  get(key: string, options?: GetOptions): Promise<ObjectBody>

  /**
   * As get(), for bytes that are only passed on: of a large object it takes about half the time. Absent where there is
   * no faster way. Rather called through relayed() (relay.ts).
   */
  relay?(key: string, options?: GetOptions): Promise<RelayedBody>

  /** Size and ETag, or undefined where there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<ObjectHead | undefined>

  /**
   * Objects whose key begins with `prefix`, in the order of the keys' UTF-8 bytes, from the first one behind
   * `after` (a whole key); pages are fetched as the iteration asks.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>

  /** Removes the objects; those that don't exist count as removed. */
  remove(keys: readonly string[], signal?: AbortSignal): Promise<void>

  /** Begins an upload in parts. Every part but the last has `partSize` bytes, from 5 MiB on (S3's least). */
  createUpload(key: string, partSize: number, signal?: AbortSignal): Promise<Upload>

  /** Sends part `number` (from 1 on); sending one again replaces it. The body must not change meanwhile. */
  putPart(upload: Upload, number: number, body: Uint8Array, signal?: AbortSignal): Promise<Part>

  /** Makes the object of all `parts`, which are in order; `ifAbsent` as with put(), the upload then stays open. */
  completeUpload(
    upload: Upload,
    parts: readonly Part[],
    signal?: AbortSignal,
    options?: WriteOptions,
  ): Promise<StoredObject>

  /** Drops the upload and its parts; false for one that is unknown, dropped or completed. */
  abortUpload(upload: Pick<Upload, 'key' | 'id'>, signal?: AbortSignal): Promise<boolean>

  /**
   * Drops every open upload of exactly that key, also those that nobody knows since the answer to their beginning
   * got lost; none where the store's credentials don't allow to look for them.
   */
  abortUploads(key: string, signal?: AbortSignal): Promise<void>

  /**
   * An address at which anyone may read the object for a while, without credentials; it makes no request, so the object
   * may be absent or another one. Absent where the store has no address that clients reach.
   */
  presign?(key: string, options: PresignOptions): Promise<string>

  /** Ends idle connections. */
  close(): Promise<void>
}

/** The ETag as the store gives it, quotes removed; strong: other bytes never have the same. */
export interface StoredObject {
  etag: string
}

export interface ObjectHead extends StoredObject {
  size: number
  /** When it was written. */
  modified: Date
}

export interface ObjectBody extends ObjectHead {
  /** Bytes that `stream` will give: the range's, else the object's. `size` is always the whole object's. */
  length: number
  stream: Readable
}

export interface RelayedBody extends ObjectHead {
  /** As ObjectBody's. */
  length: number
  /**
   * A chunk is valid until the next one is asked for: its memory is used again. Ends as ObjectBody's stream does, and
   * with it what it comes from when it is left early.
   */
  chunks: AsyncIterable<Buffer>
  /** Of a body of which nothing is read. */
  close(): void
}

export interface WriteOptions {
  /** Only where there is no such object: of several writers the first one's stands. */
  ifAbsent?: boolean
  /**
   * Of put() alone: only where there is an object with this ETag; else `precondition-failed`, or `not-found` where there
   * is none. A folder does not tell two processes apart that write in the same moment.
   */
  ifMatch?: string
}

export interface GetOptions {
  /** First byte, from 0 on; negative: that many last bytes (or all where there are fewer). */
  offset?: number
  /** Bytes from `offset` on; without it all to the end. Not with a negative offset. */
  length?: number
  ifMatch?: string
  signal?: AbortSignal
}

export interface PresignOptions {
  method: 'GET' | 'HEAD'
  expiresSeconds: number
  /** Fields of the answer, instead of the store's own. */
  contentType: string
  contentDisposition: string
}

export interface ListOptions {
  after?: string
  /** About how many the caller takes: a store that answers in pages makes the first one no larger. */
  expected?: number
  signal?: AbortSignal
}

export interface ListedObject {
  key: string
  size: number
}

/** An upload under way; all of it stands in checkpoints as JSON. */
export interface Upload {
  key: string
  id: string
  partSize: number
}

export interface Part {
  number: number
  etag: string
  /** As the store verified it, base64 of the big-endian CRC32. */
  crc32: string
  size: number
}

/**
 * - `not-found`: no such object, bucket or upload
 * - `precondition-failed`: the object's ETag is not `ifMatch`, or there is one in spite of `ifAbsent`
 * - `invalid`: the store refuses the request itself (a key it can't hold); trying again won't help
 * - `denied`: credentials missing, wrong, expired or not sufficient; new ones may help
 * - `full`: quota or disk
 * - `corrupt`: what arrived is not what was sent (CRC32, length); sending it again helps
 * - `unavailable`: refused, reset, timed out, 5xx, 503 SlowDown; later may help
 */
export type StoreErrorKind =
  | 'not-found'
  | 'precondition-failed'
  | 'invalid'
  | 'denied'
  | 'full'
  | 'corrupt'
  | 'unavailable'

export class StoreError extends Error {
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreError'
    this.kind = kind
  }
}

/** There is an object where `ifAbsent` wanted none. */
export function isOccupied(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'precondition-failed'
}

export function isNotFound(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'not-found'
}
